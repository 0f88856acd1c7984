"""Open a page in a browser and say what is wrong with it.

``inspect`` returns problems, one sentence each, for whatever a reader of the book would suffer from: a request that
leaves the book, an error in the console, a missing file, mathematics left as TeX, without a size or at the edge, a
picture without alternative text, a page that scrolls sideways on a phone, a picture that is squeezed there, an
interactive figure without its controls, and what axe-core finds.
"""

from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# Addresses that are not requests: the content is in the address.
INLINE = ("data:", "blob:", "about:")

# Findings of axe-core on every page of the theme, sphinx-book-theme 1.3, about its own header and search button:
THEME_FINDINGS = (
    "label-content-name-mismatch",  # the search button is labelled "Search" and also shows its keys
    "region",  # the theme's skip links and headers lie outside any landmark
)
# Contrast depends on colour, background, size and weight. axe-core takes seconds to look at all words of a page, which
# are of a few kinds, so it is shown one of each. Words of code that are like others become part of the text around
# them; of other places with text, the first of each kind in the page or in one of its figures gets a mark.
KIND = """
    const background = element => {
        const { backgroundColor, backgroundImage } = getComputedStyle(element);
        const shows = backgroundColor !== "rgba(0, 0, 0, 0)" || backgroundImage !== "none";
        return shows || !element.parentElement ? backgroundColor + backgroundImage : background(element.parentElement);
    };
    const opacity = element => element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
    const kind = element => {
        const { color, fill, fontSize, fontWeight, textShadow } = getComputedStyle(element);
        return [color, fill, opacity(element), fontSize, fontWeight, textShadow, background(element)].join();
    };
    const seen = new Set();
    const isNew = kind => seen.size < seen.add(kind).size;
"""
UNWRAP_REPEATED = f"""
    () => {{
        {KIND}
        const words = [...document.querySelectorAll("pre span, .sig span")];
        for (const word of words.filter(word => !isNew(kind(word)))) word.replaceWith(...word.childNodes);
        document.body.normalize();
    }}
"""
MARK_ONE_OF_EACH_KIND = f"""
    () => {{
        {KIND}
        const says = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        const shows = element => element.getClientRects().length && getComputedStyle(element).visibility === "visible";
        const figure = element => element.closest("figure, svg");
        const figures = [...document.querySelectorAll("figure, svg")];
        const places = [...document.body.querySelectorAll("*")];
        for (const place of places.filter(place => (says(place) || "value" in place) && shows(place)))
            place.toggleAttribute("data-one-of-its-kind", isNew(figures.indexOf(figure(place)) + kind(place)));
    }}
"""
UNFOLD = "() => document.querySelectorAll('details').forEach(details => details.open = true)"
UNDESCRIBED_PICTURES = """
    () => [...document.querySelectorAll("img")]
        .filter(image => {
            const alt = (image.getAttribute("alt") || "").trim();
            return !alt || alt.includes("_images/") || image.src.endsWith("/" + alt);
        })
        .map(image => image.getAttribute("src").slice(0, 80))
"""
BROKEN_PICTURES = """
    () => [...document.querySelectorAll("img")]
        .filter(image => image.complete && !image.naturalWidth)
        .map(image => image.getAttribute("src").slice(0, 80))
"""
UNTYPESET_MATHEMATICS = """
    async () => {
        await document.fonts.ready;
        const isSet = place => {
            const box = place.querySelector("math")?.getBoundingClientRect();
            return box?.width > 0 && box.height > 0 && !place.querySelector("merror");
        };
        return [...document.querySelectorAll(".math")]
            .filter(place => !isSet(place))
            .map(place => place.textContent.trim().slice(0, 80));
    }
"""
MATHEMATICS_AT_THE_EDGE = """
    () => [...document.querySelectorAll("div.math")]
        .filter(place => {
            const box = place.getBoundingClientRect(), math = place.querySelector("math")?.getBoundingClientRect();
            return math && math.width < box.width && Math.abs(math.left + math.right - box.left - box.right) > 4;
        })
        .map(place => place.textContent.trim().slice(0, 80))
"""
FIGURES_WITHOUT_CONTROLS = """
    () => [...document.querySelectorAll("figure.swin-figure[data-figure]")]
        .filter(figure => !figure.querySelector("input, select, button, [tabindex='0']"))
        .map(figure => figure.dataset.figure)
"""
SIDEWAYS = """
    () => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        const scrolls = element => element && element !== document.body
            && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
        const found = [...document.querySelectorAll("main *")]
            .filter(element => element.getBoundingClientRect().right > width + 1 && !scrolls(element))
            .map(element => `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 60)}"`)
            .slice(0, 5);
        return found.length ? found : ["a word that does not break"];  // it sticks out of its element
    }
"""
SQUEEZED_PICTURES = """
    () => {
        const sides = image => {
            const style = getComputedStyle(image);
            const sum = names => names.reduce((all, name) => all + parseFloat(style[name]), 0);
            return [
                image.clientWidth - sum(["paddingLeft", "paddingRight"]),
                image.clientHeight - sum(["paddingTop", "paddingBottom"]),
            ];
        };
        const squeezed = image => {
            const [width, height] = sides(image);
            return width > 0 && image.naturalWidth
                && Math.abs(width / height * image.naturalHeight / image.naturalWidth - 1) > 0.05;
        };
        return [...document.querySelectorAll("img")].filter(squeezed).slice(0, 5)
            .map(image => `${sides(image).map(Math.round).join("×")} "${image.alt.slice(0, 60)}"`);
    }
"""


@dataclass
class Watch:
    """Collects what goes wrong while a page loads; requests that would leave the book are not let out."""

    own: str
    problems: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Listen to everything that the page does."""
        page.on("request", lambda request: self.leaving(request.url))
        page.on("websocket", lambda socket: self.leaving(socket.url))
        page.on("console", lambda message: self.heard(message.type, message.text))
        page.on("pageerror", lambda error: self.say(f"Uncaught error: {error}"))
        page.on("requestfailed", lambda request: self.say(f"Failed request: {request.url} ({request.failure})"))
        page.on("response", lambda response: self.answered(response.status, response.url))
        page.route(self.is_outside, lambda route: route.abort())

    def is_outside(self, url: str) -> bool:
        """Tell whether an address lies outside the book."""
        return not url.startswith((self.own, *INLINE))

    def say(self, problem: str) -> None:
        """Note a problem once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def leaving(self, url: str) -> None:
        """Note a request to the outside."""
        if self.is_outside(url):
            self.say(f"Request to the outside: {url}")

    def heard(self, kind: str, text: str) -> None:
        """Note an error or a warning of the console."""
        if kind in ("error", "warning"):
            self.say(f"Console {kind}: {text}")

    def answered(self, status: int, url: str) -> None:
        """Note an answer that is none."""
        if status >= 400:
            self.say(f"Status {status}: {url}")


def inspect(
    context: BrowserContext, url: str, own: str, *, size: dict[str, int] = DESKTOP, theme: str | None = None
) -> list[str]:
    """Open a page and return its problems.

    Args:
        context: of a browser.
        url: the page's address.
        own: what the addresses of the book's own files begin with.
        size: of the window.
        theme: the colours in which it must open, ``light`` or ``dark``; axe-core then looks at it too.
    """
    page = context.new_page()
    page.set_viewport_size(size)
    watch = Watch(own)
    watch.attach(page)
    page.goto(url, wait_until="load")
    open_everything(page)
    findings = {
        "Picture without alternative text": page.evaluate(UNDESCRIBED_PICTURES),
        "Picture that does not show": page.evaluate(BROKEN_PICTURES),
        "Mathematics not typeset": page.evaluate(UNTYPESET_MATHEMATICS),
        "Mathematics at the edge": page.evaluate(MATHEMATICS_AT_THE_EDGE),
        "Interactive figure without controls": page.evaluate(FIGURES_WITHOUT_CONTROLS),
    }
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(100)
    findings["Scrolls sideways on a phone, because of"] = page.evaluate(SIDEWAYS)
    findings["Picture squeezed on a phone"] = page.evaluate(SQUEEZED_PICTURES)
    page.wait_for_load_state("networkidle")
    problems = [*watch.problems, *(f"{what}: {place}" for what, where in findings.items() for place in where)]
    if theme is not None:
        page.set_viewport_size(size)
        problems += appearance_problems(page, theme)  # last: axe-core's own requests are no fault of the page
    page.close()
    return problems


def appearance_problems(page: Page, theme: str) -> list[str]:
    """Return what is wrong with an open page's colours, and for readers who need more than to see it."""
    shown = page.evaluate("document.documentElement.dataset.theme")
    wrong = [] if shown == theme else [f"Shown in {shown} colours, not in {theme} ones"]
    page.evaluate(UNFOLD)
    return wrong + [f"Not accessible: {problem}" for problem in accessibility_problems(page)]


def accessibility_problems(page: Page) -> list[str]:
    """Return what axe-core finds on an open page, the theme's own findings aside; code loses most of its colours."""
    page.evaluate(UNWRAP_REPEATED)
    page.evaluate(MARK_ONE_OF_EACH_KIND)
    without = {"rules": {rule: {"enabled": False} for rule in (*THEME_FINDINGS, "color-contrast")}}
    violations = [
        *Axe().run(page, options={**without, "resultTypes": ["violations"]}).response["violations"],
        *Axe()
        .run(
            page,
            context={"include": [["[data-one-of-its-kind]"]]},
            options={"runOnly": ["color-contrast"], "resultTypes": ["violations"]},
        )
        .response["violations"],
    ]
    return [
        f"{violation['id']} ({violation['help']}): {', '.join(str(node['target']) for node in violation['nodes'][:5])}"
        for violation in violations
    ]


def open_everything(page: Page) -> None:
    """Unfold what is folded and scroll through the page, so that all of it is laid out and loaded."""
    page.evaluate(UNFOLD)
    page.evaluate(
        """async () => {
            for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
                scrollTo(0, y);
                await new Promise(requestAnimationFrame);
            }
            scrollTo(0, 0);
        }"""
    )
