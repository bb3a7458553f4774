// The rules of a whole sheet that an element of the page meets, whatever its state, and that Tabler's as it was loaded lacks;
// and how many it has. A rule is where it stands, its selector, and what it sets.

(whole) => {
  const states = [
    "hover", "active", "focus", "focus-visible", "focus-within", "disabled", "enabled", "checked", "indeterminate", "valid",
    "invalid", "target", "visited", "link", "autofill", "-[\\w-]+", "before", "after", "placeholder", "placeholder-shown", "marker",
    "backdrop", "selection", "file-selector-button", "first-l\\w+",
  ];
  const state = new RegExp(`::?(?:${states.join("|")})(?:\\([^()]*\\))?(?![\\w-])`, "g");
  const parts = (selector) => selector.split(/,(?![^(]*\))/).map((each) => each.trim());
  const ofPage = (selector) => {
    const stateless = selector.replace(state, "").replace(/:(?:not|is|where)\(\s*\)/g, "");
    const bare = stateless.replace(/(^|[\s>+~])(?=$|[\s>+~])/g, "$1*");
    try { return document.querySelector(bare) !== null; } catch { return false; }
  };
  const read = (rules, where, found) => {
    for (const rule of rules) {
      if (rule.selectorText) {
        const names = [...rule.style].filter((name) => !name.startsWith("--"));
        const sets = names.map((name) => `${name}:${rule.style.getPropertyValue(name)}`).join(";");
        if (sets) for (const part of parts(rule.selectorText)) if (ofPage(part)) found.add(`${where} ${part} {${sets}}`);
      } else if (rule.cssRules && rule.type !== CSSRule.KEYFRAMES_RULE) {
        read(rule.cssRules, `${where} ${rule.conditionText || rule.name || ""}`, found);
      }
    }
    return found;
  };
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(whole);
  const ours = [...document.styleSheets].find((each) => each.href?.endsWith("tabler.min.css"));
  const kept = ours ? read(ours.cssRules, "", new Set()) : new Set();
  return [kept.size, [...read(sheet.cssRules, "", new Set())].filter((each) => ours && !kept.has(each))];
}
