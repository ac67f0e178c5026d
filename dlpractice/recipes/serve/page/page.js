"use strict";

const find = (id) => document.getElementById(id);
const percent = (share) => (100 * share).toFixed(1);
// Of each card the file that it shows; they are asked about again when what is asked changes.
const files = new Map();
const AT_ONCE = 8;

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the server does not answer");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error([answer.error, answer.hint].filter(Boolean).join("; "));
  return answer;
}

function formOf(entries) {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value);
  return form;
}

async function showModel() {
  const model = await ask("classes");
  document.title = find("model").textContent = model.model;
  const count = model.classes.length;
  const named = `${count} ${count === 1 ? "class" : "classes"}`;
  find("about").textContent = model.can_enrol ? `compares pictures with ${named}` : `tells ${named} apart`;
  find("settings").hidden = model.can_enrol;
  find("enrolment").hidden = !model.can_enrol;
  if (find("least").value === "" && model.threshold !== null) find("least").value = Math.round(100 * model.threshold);
  find("classes").replaceChildren(...(model.can_enrol ? model.classes.map(listClass) : []));
}

function listClass(name) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.textContent = "×";
  button.ariaLabel = `Remove ${name}`;
  button.addEventListener("click", () => change(() => ask(`classes?label=${encodeURIComponent(name)}`, { method: "DELETE" })));
  item.append(name, button);
  return item;
}

async function change(work) {
  find("refused").textContent = "";
  try {
    await work();
    await showModel();
    await classify([...files.keys()]);
  } catch (error) {
    find("refused").textContent = error.message;
  }
}

function addCards(list) {
  const cards = Array.from(list, (file) => {
    const card = find("card").content.firstElementChild.cloneNode(true);
    const picture = card.querySelector("img");
    picture.src = URL.createObjectURL(file);
    picture.alt = file.name;
    // Formats that the server reads and the browser does not.
    picture.addEventListener("error", () => { picture.hidden = true; });
    card.querySelector(".file").textContent = file.name;
    card.querySelector(".look").addEventListener("click", () => toggleMap(card));
    card.querySelector(".close").addEventListener("click", () => {
      URL.revokeObjectURL(picture.src);
      files.delete(card);
      card.remove();
    });
    files.set(card, file);
    return card;
  });
  find("answers").prepend(...cards);
  return cards;
}

async function classify(cards) {
  const least = find("least").value;
  const query = find("settings").hidden || least === "" ? "" : `?min_confidence=${Number(least) / 100}`;
  for (let start = 0; start < cards.length; start += AT_ONCE) {
    const some = cards.slice(start, start + AT_ONCE);
    const form = formOf(some.map((card) => ["file", files.get(card)]));
    try {
      const { predictions } = await ask(`predict${query}`, { method: "POST", body: form });
      some.forEach((card, place) => showAnswer(card, predictions[place]));
    } catch (error) {
      if (some.length === 1) showAnswer(some[0], { error: error.message });
      // One by one, so that each has its own reason.
      else for (const card of some) await classify([card]);
    }
  }
}

function showAnswer(card, answer) {
  const said = card.querySelector(".predicted");
  const isAnswer = answer.error === undefined;
  const isClass = isAnswer && answer.predicted === answer.top[0].label;
  said.textContent = isAnswer ? answer.predicted : answer.error;
  said.className = `predicted ${isAnswer ? (isClass ? "" : "none") : "error"}`;
  card.querySelector(".note").textContent = answer.note ?? "";
  card.querySelector(".look").hidden = !isAnswer;
  card.querySelector("tbody").replaceChildren(...(isAnswer ? answer.top : []).map(showLikelihood));
  card.dataset.label = isAnswer ? answer.top[0].label : "";
  if (!card.querySelector("canvas").hidden) toggleMap(card);
}

function showLikelihood({ label, confidence }) {
  const row = document.createElement("tr");
  const bar = document.createElement("progress");
  bar.value = confidence;
  bar.ariaLabel = `${label}: ${percent(confidence)} %`;
  for (const content of [label, bar, `${percent(confidence)} %`]) {
    row.append(document.createElement("td"));
    row.lastElementChild.append(content);
  }
  return row;
}

async function toggleMap(card) {
  const [button, canvas, picture] = [".look", "canvas", "img"].map((part) => card.querySelector(part));
  if (!canvas.hidden) {
    canvas.hidden = true;
    picture.hidden = !picture.naturalWidth;
    button.textContent = "What it looks at";
    return;
  }
  button.disabled = true;
  button.textContent = "Looking …";
  try {
    const label = encodeURIComponent(card.dataset.label);
    const map = await ask(`heat-map?label=${label}`, { method: "POST", body: formOf([["file", files.get(card)]]) });
    await drawMap(canvas, map);
    canvas.hidden = false;
    picture.hidden = true;
    button.textContent = "The picture alone";
    card.querySelector(".note").textContent =
      `warm where it speaks for ${map.label}, by ${map.method}, on the square that the net sees`;
  } catch (error) {
    card.querySelector(".note").textContent = error.message;
    button.textContent = "What it looks at";
  } finally {
    button.disabled = false;
  }
}

// The net's square in grey, and over it the map: clear where it is 0, orange where it is 1.
async function drawMap(canvas, { picture, map }) {
  const square = new Image();
  square.src = picture;
  await square.decode();
  const side = 352;
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = square.width > 64;
  context.filter = "grayscale(1)";
  context.drawImage(square, 0, 0, side, side);
  context.filter = "none";
  const grid = new ImageData(map[0].length, map.length);
  map.flat().forEach((value, place) => grid.data.set([255, 90, 0, 200 * value], 4 * place));
  const small = Object.assign(document.createElement("canvas"), { width: grid.width, height: grid.height });
  small.getContext("2d").putImageData(grid, 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, side, side);
}

async function take(list) {
  const cards = addCards(list);
  await classify(cards);
  if (cards.length === 1 && cards[0].dataset.label) await toggleMap(cards[0]);
}

find("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    find("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) take(event.clipboardData.files);
});
find("least").addEventListener("change", () => classify([...files.keys()]));
find("enrol").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const entries = [["label", find("label").value], ["file", find("example").files[0]]];
  change(async () => {
    await ask("classes", { method: "POST", body: formOf(entries) });
    form.reset();
  });
});
showModel().catch((error) => { find("about").textContent = error.message; });
