// The desk as one page: another item is opened without leaving it, so that nothing that stands in a box is lost.
(() => {
  const box = () => [...document.querySelectorAll("form.desk-compose textarea")].find((each) => !each.closest("[hidden]"));
  let writes = false; // whether the keyboard goes on to the box of what is opened

  const show = (address) => {
    if (address !== location.href) history.pushState(null, "", address);
    document.dispatchEvent(new CustomEvent("wf:moved"));
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.desk-hand");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    writes = document.activeElement === box();
    for (const each of document.querySelectorAll("a.desk-hand")) each === link ? each.setAttribute("aria-current", "true") : each.removeAttribute("aria-current");
    show(link.href);
  });
  addEventListener("popstate", () => document.dispatchEvent(new CustomEvent("wf:moved")));

  const aside = document.getElementById("put-aside");
  document.addEventListener("wf:read", () => {
    const open = document.querySelector("#work article")?.dataset.item;
    const inHand = new Set([...document.querySelectorAll("a.desk-hand")].map((each) => each.dataset.item));
    for (const form of [...aside.children]) if (form.dataset.item === open || !inHand.has(form.dataset.item)) form.remove();
    if (writes && box()) box().focus();
    writes = false;
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-writes]")) box()?.focus();
    // A sheet that leads to another gives way to it.
    const leads = event.target.closest?.("[popover] button[popovertarget]");
    const sheet = leads?.closest("[popover]");
    if (sheet && leads.getAttribute("popovertarget") !== sheet.id) sheet.hidePopover();
    const time = event.target.closest?.("button[data-puts]");
    if (time) document.getElementById(time.dataset.into).value = time.dataset.puts;
  });
})();
