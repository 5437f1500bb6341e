// Drives the demo as a person would, in a frame, and posts what happened to the server that waits for it.

const frame = document.getElementById("page");
const passed = [];

function check(what, holds, seen) {
  if (!holds) throw new Error(`${what}: saw ${JSON.stringify(seen)}`);
  passed.push(what);
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function run() {
  let page;
  const $ = (id) => page.getElementById(id);
  for (let tries = 0; tries < 300; tries += 1) {
    page = frame.contentDocument;
    if (page && $("status") && $("status").value !== "loading…") break;
    await pause(50);
  }
  const text = (id) => $(id).value;
  const press = (id) => $(id).click();
  const reports = () => Number(text("count").replaceAll(",", ""));
  const cells = (item) => [...$("estimates").rows[item].cells].map((cell) => cell.textContent);
  const number = (cell) => Number(cell.replaceAll(",", "").replace("± ", "").replace("%", ""));

  check("the module loads", text("status") === "ready", text("status"));
  press("genre-8");
  press("preview");
  check("without consent nothing is computed", text("report") === "nothing", text("report"));
  press("send");
  check("without consent nothing is sent", reports() === 0, reports());

  press("consent");
  press("preview");
  const preview = text("report");
  check("the preview shows every bit", /^[01]{8}( [01]{8})*$/.test(preview), preview);
  press("send");
  check("what is sent is what was shown", text("report") === preview && reports() === 1, text("report"));
  press("genre-8");
  press("genre-3");
  const days = [];
  for (let day = 1; day < 30; day += 1) {
    press("tomorrow");
    press("send");
    days.push(text("report"));
  }
  check("for a month the answer repeats, also when the favourite changes", days.every((report) => report === preview), days);

  const seen = new Set();
  for (let times = 0; times < 40; times += 1) {
    $("epsilon").dispatchEvent(new Event("change"));
    press("consent");
    press("send");
    seen.add(text("report"));
  }
  check("forty new devices with one favourite do not all say the same", seen.size > 1, [...seen]);

  $("epsilon").dispatchEvent(new Event("change"));
  for (let times = 0; times < 3; times += 1) press("crowd");
  check("the crowd reports", reports() === 30_000, reports());
  let held = 0;
  for (let item = 0; item < $("estimates").rows.length; item += 1) {
    const [name, estimate, bar, , truth] = cells(item);
    held += number(truth);
    // Bars are 1.96 standard deviations: seven of them, as rounded on the page.
    const far = Math.abs(number(estimate) - number(truth)) / (number(bar) / 1.96);
    check(`the estimate of ${name} is near the truth`, far < 7, cells(item));
  }
  check("the crowd is whole", held === 30_000, held);
  check("shares add up", Math.abs([...$("estimates").rows].reduce((sum, row) => sum + number(row.cells[3].textContent), 0) - 100) < 2,
    cells(0));

  press("consent");
  press("send");
  check("the device answers again once agreed", reports() === 30_001, reports());
  press("consent");
  press("tomorrow");
  press("send");
  check("after opting out the device is silent", reports() === 30_001 && text("report") === "nothing", text("report"));
  press("consent");
  for (let day = 0; day < 90; day += 1) press("tomorrow");
  press("send");
  check("after three months the device has stopped", reports() === 30_001 && text("status").includes("over"), text("status"));

  const elsewhere = frame.contentWindow.performance.getEntriesByType("resource").map((entry) => new URL(entry.name))
    .filter((url) => url.protocol !== "data:" && url.host !== location.host);
  check("the page asks nobody else", elsewhere.length === 0, elsewhere);
}

const send = (result) => fetch("result", { method: "POST", body: JSON.stringify(result) });
run().then(() => send({ ok: true, passed }), (error) => send({ ok: false, passed, error: String(error) }));
