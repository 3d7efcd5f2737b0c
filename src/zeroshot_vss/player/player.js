"use strict";
// Draws frames of one video with the label maps of each method over them. `data` is written by zeroshot_vss.player.page.
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const video = at("video"), slider = at("slider");
const VOID = 255;

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const inflated = async (text) =>
  new Uint8Array(await new Response(
    new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());

// Labels: what is called how, what is shown, what has become part of another.
const labels = data.labels.map((label) => ({ ...label, on: true, into: label.id, first: label.name }));
const byId = new Map(labels.map((label) => [label.id, label]));
const root = (id) => { while (byId.get(id).into !== id) id = byId.get(id).into; return id; };

// One view a method: the frame below, its labels above.
const views = data.methods.map((method) => {
  const figure = document.createElement("figure"), canvas = document.createElement("canvas");
  const caption = document.createElement("figcaption");
  caption.textContent = method.title;
  [canvas.width, canvas.height] = [data.width, data.height];
  canvas.style.aspectRatio = `${data.width * data.pixel} / ${data.height}`;
  if (method.title) figure.append(caption);
  figure.append(canvas);
  at("views").append(figure);
  const above = new OffscreenCanvas(data.width, data.height);
  return { method, canvas, above, map: null, frame: -1 };
});

const tables = () => {
  // RGBA of every stored value, and the label that it stands for; -1 where nothing is drawn.
  const colours = new Uint8ClampedArray(1024), whose = new Int16Array(256).fill(-1);
  for (const label of labels) {
    const chief = byId.get(root(label.id));
    whose[label.id] = chief.id;
    if (chief.on) colours.set([...chief.colour, 255], 4 * label.id);
  }
  return { colours, whose };
};

let lookup = tables(), current = 0, drawing = Promise.resolve();

function paint(view) {
  const { width, height } = view.above, image = new ImageData(width, height), map = view.map;
  const pixels = image.data, outlines = at("outlines").checked, opacity = Math.round(2.55 * at("opacity").value);
  for (let place = 0, pixel = 0; place < map.length; place++, pixel += 4) {
    const value = map[place], from = 4 * value;
    if (!lookup.colours[from + 3]) continue;
    const right = (place + 1) % width ? map[place + 1] : value;
    const below = place + width < map.length ? map[place + width] : value;
    const edge = outlines && (lookup.whose[value] !== lookup.whose[right] || lookup.whose[value] !== lookup.whose[below]);
    const darker = edge ? 0.55 : 1;
    for (let channel = 0; channel < 3; channel++) pixels[pixel + channel] = darker * lookup.colours[from + channel];
    pixels[pixel + 3] = edge ? Math.max(opacity, opacity && 230) : opacity;
  }
  view.above.getContext("2d").putImageData(image, 0, 0);
  const context = view.canvas.getContext("2d");
  context.imageSmoothingEnabled = true;
  // The film has even sides; a last row or column that was added for that is outside of the canvas.
  context.drawImage(video, 0, 0, data.filmWidth, data.filmHeight);
  context.imageSmoothingEnabled = false;
  context.drawImage(view.above, 0, 0, view.canvas.width, view.canvas.height);
}

async function draw(frame) {
  await Promise.all(views.map(async (view) => {
    if (view.frame !== frame) [view.map, view.frame] = [await inflated(view.method.maps[frame]), frame];
    paint(view);
  }));
  slider.value = current = frame;
  at("counter").value = `${frame + 1} / ${data.times.length}`;
  document.body.dataset.drawn = frame;
}
const soon = (frame) => (drawing = drawing.then(() => draw(frame)));

// Time
const middle = (frame) => {
  const next = frame + 1 < data.times.length ? data.times[frame + 1] : data.times[frame] + 1 / data.fps;
  return (data.times[frame] + next) / 2;
};
const frameAt = (time) => {
  let low = 0, high = data.times.length - 1;
  while (low < high) {
    const half = (low + high + 1) >> 1;
    if (data.times[half] <= time + 1e-3) low = half; else high = half - 1;
  }
  return low;
};
const seek = (frame) => new Promise((done) => {
  video.addEventListener("seeked", () => done(soon(frame)), { once: true });
  video.currentTime = middle(frame);
});
let wanted = null, seeking = false;
async function show(frame) {
  // While one seek runs, the latest wish waits and those between are dropped.
  wanted = frame;
  if (seeking) return;
  seeking = true;
  while (wanted !== null) { const next = wanted; wanted = null; await seek(next); }
  seeking = false;
}
const follow = () => video.requestVideoFrameCallback(async (_, frame) => {
  if (!video.paused) { await soon(frameAt(frame.mediaTime)); follow(); }
});
const playing = (on) => { at("play").innerHTML = on ? "&#10074;&#10074;" : "&#9654;"; };
video.addEventListener("play", () => { playing(true); follow(); });
video.addEventListener("pause", () => { playing(false); show(frameAt(video.currentTime)); });
video.addEventListener("ended", () => playing(false));
at("play").onclick = () => { if (video.ended) video.currentTime = 0; video.paused ? video.play() : video.pause(); };
slider.max = data.times.length - 1;
slider.oninput = () => { video.pause(); show(+slider.value); };
document.addEventListener("keydown", (event) => {
  if (/^(INPUT|SELECT|BUTTON)$/.test(event.target.tagName)) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === " ") { event.preventDefault(); at("play").click(); }
  if (step) { video.pause(); show(Math.min(Math.max(current + step, 0), data.times.length - 1)); }
});

// Legend
const redraw = () => { lookup = tables(); soon(current); };
function list() {
  at("legend").replaceChildren(...labels.filter((label) => label.into === label.id).map((label) => {
    const row = document.createElement("li");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: label.on });
    const swatch = document.createElement("span"), share = document.createElement("span");
    const name = Object.assign(document.createElement("input"), { type: "text", value: label.name, maxLength: 80 });
    const merge = document.createElement("select");
    row.dataset.label = label.id;
    row.className = label.on ? "" : "off";
    swatch.className = "swatch";
    swatch.style.background = `rgb(${label.colour})`;
    share.className = "share";
    const parts = labels.filter((other) => root(other.id) === label.id);
    share.textContent = (100 * parts.reduce((sum, part) => sum + part.share, 0)).toFixed(1) + " %";
    merge.append(new Option("merge …", ""));
    if (parts.length > 1) merge.append(new Option("split again", "split"));
    for (const other of labels) if (other.into === other.id && other !== label) merge.append(new Option(`into ${other.name}`, other.id));
    box.setAttribute("aria-label", `show ${label.name}`);
    name.setAttribute("aria-label", `name of ${label.first}`);
    merge.setAttribute("aria-label", `merge ${label.name}`);
    box.onchange = () => { label.on = box.checked; row.className = label.on ? "" : "off"; redraw(); };
    name.onchange = () => { label.name = name.value.trim() || label.first; same(label); list(); redraw(); };
    merge.onchange = () => {
      if (merge.value === "split") for (const part of parts) part.into = part.id;
      else if (merge.value) label.into = +merge.value;
      list(); redraw();
    };
    row.append(box, swatch, name, share, merge);
    return row;
  }));
}
function same(label) {
  // Two labels of one name are one.
  const twin = labels.find((other) => other !== label && other.into === other.id && other.name === label.name);
  if (twin) label.into = twin.id;
}
const each = (on) => { for (const label of labels) label.on = on; list(); redraw(); };
at("all").onclick = () => each(true);
at("none").onclick = () => each(false);
at("outlines").onchange = at("opacity").oninput = () => soon(current);
at("muted").onchange = () => { video.muted = at("muted").checked; };

function names() {
  // What was renamed or merged, now or before this page was made: { label: name }.
  const names = {};
  for (const [label, now] of Object.entries(data.given)) if (byId.has(now)) names[label] = byId.get(root(now)).name;
  for (const label of labels) {
    const chief = byId.get(root(label.id));
    const merged = labels.filter((other) => root(other.id) === chief.id).length > 1;
    if (merged || chief.name !== chief.first) names[label.id] = chief.name;
  }
  return names;
}
at("save").onclick = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(names(), null, 1) + "\n"], { type: "application/json" }));
  link.download = data.file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

// A click on a picture switches the label there; the pointer shows which it is.
const under = (view, event) => {
  const box = view.canvas.getBoundingClientRect();
  const x = Math.floor((event.clientX - box.left) / box.width * data.width);
  const y = Math.floor((event.clientY - box.top) / box.height * data.height);
  const value = view.map?.[y * data.width + x];
  return value === undefined || value === VOID || !byId.has(value) ? null : byId.get(root(value));
};
for (const view of views) {
  view.canvas.onclick = (event) => {
    const label = under(view, event);
    if (label) { label.on = !label.on; list(); redraw(); }
  };
  view.canvas.onmousemove = (event) => {
    const label = under(view, event);
    view.canvas.title = label ? label.name : "";
    for (const row of at("legend").children) row.classList.toggle("under", label !== null && +row.dataset.label === label.id);
  };
}

video.addEventListener("error", () => {
  at("fault").hidden = false;
  at("fault").textContent = "This browser cannot play the video (H.264); open the page in another one.";
});
video.addEventListener("loadeddata", () => show(0), { once: true });
list();
video.src = URL.createObjectURL(new Blob([bytes(data.video)], { type: "video/mp4" }));
