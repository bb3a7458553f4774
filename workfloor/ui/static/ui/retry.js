// Asks again until the page answers, then opens it; a reader who waits loses nothing.
(() => {
  const wait = Number(document.querySelector("[data-retry]").dataset.retry) * 1000;
  const again = async () => {
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (answer && answer.status < 500) location.reload();
    else setTimeout(again, wait);
  };
  setTimeout(again, wait);
})();
