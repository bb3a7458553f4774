// A wallboard fills its screen, and keeps it awake.
(() => {
  const wall = document.querySelector(".wall");
  document.getElementById("full-screen").addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else wall.requestFullscreen();
  });
  const stayAwake = () => !document.hidden && navigator.wakeLock?.request("screen").catch(() => {}); // as far as the browser lets it
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
})();
