// When a question comes back: the schedule FSRS-6 (https://github.com/open-spaced-repetition/py-fsrs), with its weights as
// they are published, a retention of 90 %, first steps of 1 and 10 minutes, one step of 10 minutes after a lapse, and no
// chance in it. A question is answered right ("good") or wrong ("again"); the other two grades are not asked for.
const LEARNING = 1, REVIEW = 2, RELEARNING = 3, MINUTE = 60_000, DAY = 1440 * MINUTE;
const STEPS = { [LEARNING]: [1, 10], [RELEARNING]: [10] }; // minutes
const RETENTION = 0.9, LONGEST = 36_500, AGAIN = 1, GOOD = 3, EASY = 4; // LONGEST in days
const WEIGHTS = [
  0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629, 1.6483,
  0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
];
const DECAY = -WEIGHTS[20], FACTOR = 0.9 ** (1 / DECAY) - 1;

const firstDifficulty = grade => WEIGHTS[4] - Math.exp(WEIGHTS[5] * (grade - 1)) + 1;
const bounded = difficulty => Math.min(Math.max(difficulty, 1), 10);

function nextDifficulty(difficulty, grade) {
  const damped = difficulty - WEIGHTS[6] * (grade - 3) * (10 - difficulty) / 9;
  return bounded(WEIGHTS[7] * firstDifficulty(EASY) + (1 - WEIGHTS[7]) * damped);
}

// How long the memory lasts, in days until recall is as likely as RETENTION: after days since it was last tried.
function nextStability({ stability, difficulty }, grade, days) {
  if (days < 1) {
    const growth = Math.exp(WEIGHTS[17] * (grade - 3 + WEIGHTS[18])) * stability ** -WEIGHTS[19];
    return stability * (grade === GOOD ? Math.max(growth, 1) : growth);
  }
  const lost = 1 - (1 + FACTOR * days / stability) ** DECAY; // how likely it is that it was forgotten
  if (grade === GOOD) {
    return stability * (1 + Math.exp(WEIGHTS[8]) * (11 - difficulty) * stability ** -WEIGHTS[9]
      * (Math.exp(lost * WEIGHTS[10]) - 1));
  }
  return Math.min(
    WEIGHTS[11] * difficulty ** -WEIGHTS[12] * ((stability + 1) ** WEIGHTS[13] - 1) * Math.exp(lost * WEIGHTS[14]),
    stability / Math.exp(WEIGHTS[17] * WEIGHTS[18]));
}

function daysUntilNext(stability) {
  const days = Math.round(stability / FACTOR * (RETENTION ** (1 / DECAY) - 1));
  return Math.min(Math.max(days, 1), LONGEST);
}

// What is known of a question after an answer. Times are milliseconds; of a question that is new, card is undefined.
//   card: { state, step, stability, difficulty, last, due }
function schedule(card, right, now) {
  const grade = right ? GOOD : AGAIN;
  const stability = Math.max(0.001, card
    ? nextStability(card, grade, Math.floor((now - card.last) / DAY)) : WEIGHTS[grade - 1]);
  const difficulty = card ? nextDifficulty(card.difficulty, grade) : bounded(firstDifficulty(grade));
  let { state, step } = card ?? { state: LEARNING, step: 0 };
  if (!right) [state, step] = [state === REVIEW ? RELEARNING : state, 0];
  else if (state !== REVIEW) {
    step += 1;
    if (step >= STEPS[state].length) [state, step] = [REVIEW, null];
  }
  const wait = state === REVIEW ? daysUntilNext(stability) * DAY : STEPS[state][step] * MINUTE;
  return { state, step, stability, difficulty, last: now, due: now + wait };
}
