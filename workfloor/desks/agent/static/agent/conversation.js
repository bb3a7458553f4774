// Writing to a customer: Enter sends in a chat, the visitor sees that somebody writes, and what was on the screen is seen.
(() => {
  const TYPING_MS = 3000;
  const SHOWN_MS = 6000;
  const body = document.body;
  const tell = (address, fields) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return fetch(address, { method: "POST", body: form, headers: { "X-CSRFToken": body.dataset.csrf, "HX-Request": "true" } }).catch(() => null);
  };

  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form.desk-compose");
    if (!form || event.key !== "Enter" || event.isComposing) return;
    const isPlain = form.hasAttribute("data-enter") && !event.shiftKey && event.target.matches("textarea"); // on a button it presses that
    if (!isPlain && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    form.requestSubmit();
  });

  // A file that is too large is told of before it travels; the server looks again.
  const refuseLarge = (form, input) => {
    const file = input.files[0];
    const told = form.querySelector("[data-refusal]");
    told.replaceChildren();
    if (!file || file.size <= Number(input.dataset.largest)) return;
    const line = document.createElement("p");
    line.className = "wf-refused";
    line.setAttribute("role", "alert");
    line.textContent = document.getElementById("desk-words").dataset.tooLargeFile.replace("{name}", file.name).replace("{most}", Math.floor(input.dataset.largest / 1e6));
    told.append(line);
    input.value = "";
    enclosed(form);
  };

  const enclosed = (form) => {
    const shown = form.querySelector("[data-attached]");
    if (shown) shown.textContent = form.elements.file.files[0]?.name ?? shown.dataset.attached;
  };
  for (const name of ["change", "input"]) document.addEventListener(name, (event) => {
    const form = event.target.closest?.("form.desk-compose");
    if (form) enclosed(form);
    if (form && event.type === "change" && event.target.dataset.largest) refuseLarge(form, event.target);
  });

  let toldAt = 0;
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form.desk-compose[data-enter]");
    if (!form || !event.target.value || Date.now() - toldAt < TYPING_MS) return;
    toldAt = Date.now();
    tell(form.dataset.typing, {});
  });

  // The stream names every topic once when it opens; that is nobody typing.
  let openedAt = Date.now();
  new MutationObserver(() => (openedAt = Date.now())).observe(document.getElementById("lost"), { attributes: true });
  let fade;
  document.addEventListener("wf:named", (event) => {
    const line = document.querySelector(`[data-hears="${CSS.escape(event.detail)}"]`);
    if (!line || Date.now() - openedAt < 1500) return;
    line.textContent = document.getElementById("desk-words").dataset.typing;
    clearTimeout(fade);
    fade = setTimeout(() => (line.textContent = ""), SHOWN_MS);
  });

  let seen = 0;
  const see = () => {
    const list = document.querySelector("[data-seen].desk-messages");
    const form = document.querySelector("form.desk-compose[data-enter]");
    if (!list || !form || document.hidden) return;
    const last = Math.max(0, ...[...list.querySelectorAll("[data-direction='in']")].map((line) => Number(line.dataset.settled)));
    if (last <= Math.max(seen, Number(list.dataset.seen))) return; // reading it while somebody looks says so too
    seen = last;
    tell(form.dataset.seen, { up_to: last });
  };
  document.addEventListener("visibilitychange", see);
  new MutationObserver(see).observe(document.getElementById("content"), { childList: true, subtree: true });
  see();
})();
