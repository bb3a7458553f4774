// A mail in its frame says how high it is; a list that shows its end goes on showing it, the newest mail from its top.
(() => {
  const HIGHEST = 20000;
  addEventListener("message", (event) => {
    const frame = [...document.querySelectorAll("iframe.said-letter")].find((each) => each.contentWindow === event.source);
    const height = Number(event.data?.height);
    if (!frame || !(height > 0)) return;
    const list = frame.closest("[data-bottom]");
    const atEnd = list && list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    frame.style.height = `${Math.min(height, HIGHEST)}px`;
    if (!atEnd) return;
    const newest = [...list.querySelectorAll(".said-message")].at(-1);
    list.scrollTop = list.scrollHeight;
    list.scrollTop += Math.min(0, newest.getBoundingClientRect().top - list.getBoundingClientRect().top);
  });
})();
