// The page around the WebAssembly module: it hands entropy in, and shows what comes out.

const GENRES = ["Drama", "Comedy", "Thriller", "Action", "Romance", "Crime", "Adventure", "Horror", "Sci-Fi", "Mystery",
  "Fantasy", "Family", "Animation", "Documentary", "Biography", "War", "History", "Musical"];
// In the order of the library's list of schemes.
const SCHEMES = ["k-ary response", "unary encoding", "local hashing", "Hadamard response"];
const REFUSALS = ["", "you have not agreed, so nothing was computed", "the three months are over: the device has stopped",
  "the browser gave no entropy", "the device could not answer"];
const CROWD = 10_000;
const BAR = 1.96;

const $ = (id) => document.getElementById(id);
const whole = (value) => Math.round(value).toLocaleString("en");

let module;
let day = 0;
let reportBytes = 0;

/** Hands fresh words of entropy to the module: 64 KiB is the most a browser gives at once. */
function feed(words) {
  const block = new Uint32Array(16_384);
  for (let left = words; left > 0; left -= block.length) {
    crypto.getRandomValues(block);
    const some = Math.min(left, block.length);
    for (let at = 0; at < some; at += 1) module.entropy(block[at]);
  }
}

function bits() {
  const bytes = Array.from({ length: reportBytes }, (_, at) => module.report_byte(at));
  return bytes.map((byte) => byte.toString(2).padStart(8, "0")).join(" ");
}

function say(status, done) {
  $("status").value = status === 0 ? done : REFUSALS[status];
  $("report").value = status === 0 ? bits() : "nothing";
}

function answer(call, done) {
  feed(512);
  const status = call(day);
  const again = status === 0 && module.repeated() !== 0;
  say(status, again ? `${done}; it is the answer of an earlier day again` : done);
  return status;
}

function showCollector() {
  $("count").value = whole(module.refresh());
  GENRES.forEach((_, item) => {
    const [name, estimate, bar, share, truth] = $("estimates").rows[item].cells;
    const sd = module.deviation(item);
    name.textContent = GENRES[item];
    estimate.textContent = whole(module.estimate(item));
    bar.textContent = `± ${whole(BAR * sd)}`;
    const percent = 100 * module.share(item);
    share.textContent = `${percent.toFixed(1)}%`;
    share.style.setProperty("--share", `${percent.toFixed(2)}%`);
    truth.textContent = whole(module.truth(item));
  });
}

function restart() {
  const epsilon = Number($("epsilon").value);
  feed(512);
  reportBytes = module.start(GENRES.length, Math.round(epsilon * 1000));
  day = 0;
  $("day").textContent = "0";
  $("consent").checked = false;
  $("report").value = "nothing yet";
  $("status").value = "ready";
  $("scheme").value = `${SCHEMES[module.scheme()]}, ${reportBytes} bytes each`;
  const odds = Math.exp(epsilon);
  $("odds").textContent = `Whatever it says, it was at most ${odds.toFixed(1)} times likelier for one person than another.`;
  GENRES.forEach((_, item) => module.pick(item, $(`genre-${item}`).checked ? 1 : 0));
  showCollector();
}

function build() {
  GENRES.forEach((name, item) => {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", id: `genre-${item}` });
    box.addEventListener("change", () => module.pick(item, box.checked ? 1 : 0));
    const label = document.createElement("label");
    label.append(box, ` ${name}`);
    $("genres").append(label);
    const row = $("estimates").insertRow();
    for (let cell = 0; cell < 5; cell += 1) row.insertCell();
    row.cells[3].className = "share";
  });
  $("epsilon").addEventListener("change", restart);
  $("consent").addEventListener("change", () => {
    const granted = $("consent").checked;
    const status = module.consent(granted ? 1 : 0, day);
    $("status").value = status === 0 ? (granted ? "you agreed" : "you opted out: the device is silent") : REFUSALS[status];
  });
  $("preview").addEventListener("click", () => answer(module.preview, "this would be sent"));
  $("send").addEventListener("click", () => {
    if (answer(module.send, "sent") === 0) showCollector();
  });
  $("tomorrow").addEventListener("click", () => {
    day += 1;
    $("day").textContent = String(day);
  });
  $("crowd").addEventListener("click", () => {
    // At most two draws and a coin for each genre, and the draw of what a person likes.
    for (let people = 0; people < CROWD; people += 1000) {
      feed(1000 * 64);
      const status = module.crowd(1000);
      if (status !== 0) $("status").value = REFUSALS[status];
    }
    showCollector();
  });
}

async function main() {
  const response = await fetch("flockwise_local_demo.wasm");
  if (!response.ok) throw new Error("flockwise_local_demo.wasm is not here: run check.sh to build it");
  const { instance } = await WebAssembly.instantiate(await response.arrayBuffer(), {});
  module = instance.exports;
  build();
  restart();
}

main().catch((error) => {
  $("status").value = error.message;
});
