// Marks a recap. It says nothing of its own: the reasons stand folded below each question, for print and for readers
// without JavaScript, and are copied from there.
function startQuiz(key, words) {
  for (const form of document.querySelectorAll(`[data-quiz="${key}"]:not([data-ready])`)) {
    form.dataset.ready = "";
    for (const hidden of form.querySelectorAll("[hidden]")) hidden.hidden = false;
    const questions = [...form.querySelectorAll("fieldset")];

    const show = (question, verdict, ...content) => {
      if (verdict) question.dataset.verdict = verdict; else delete question.dataset.verdict;
      question.querySelector(".swin-quiz-verdict").replaceChildren(...content);
      const right = questions.filter(each => each.dataset.verdict === "right").length;
      const count = words.count.replace("{right}", right).replace("{number}", questions.length);
      const place = form.querySelector(".swin-quiz-count");
      if (place.textContent !== count) place.textContent = count; // said aloud only when it changes
    };
    const check = radio => {
      const question = radio.closest("fieldset");
      const reason = question.querySelector(`li[data-choice="${radio.value}"]`);
      radio.checked = true;
      show(question, "right" in reason.dataset ? "right" : "wrong", ...reason.cloneNode(true).childNodes);
    };

    // An arrow key chooses the next radio button, which browsers report as a click. On the way to a choice nothing is
    // answered yet: that takes Enter, the space bar or a real click.
    let arrow = false;
    form.addEventListener("keydown", event => {
      arrow = event.key.startsWith("Arrow");
      // JupyterLab would take the key for itself: arrows go to another cell, letters cut and paste cells.
      if (event.key !== "Tab" && !event.ctrlKey && !event.altKey && !event.metaKey) event.stopPropagation();
      if (event.key === "Enter" && event.target.type === "radio") { event.preventDefault(); check(event.target); }
    });
    for (const end of ["keyup", "pointerdown"]) form.addEventListener(end, () => { arrow = false; });
    form.addEventListener("click", event => {
      if (event.target.type !== "radio") return;
      if (arrow) show(event.target.closest("fieldset"), null, words.check); else check(event.target);
    });
    form.addEventListener("reset", () => questions.forEach(question => show(question, null)));
    form.addEventListener("submit", event => event.preventDefault());
    show(questions[0], null);
  }
}
