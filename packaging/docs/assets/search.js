// Shows the sections that contain all words of the search, those with the words in their title first.
const input = document.getElementById("search");
const found = document.getElementById("found");
const most = 30;

input.hidden = false;
input.addEventListener("input", () => {
  const words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const has = (text) => words.every((word) => text.toLowerCase().includes(word));
  const matching = words.length === 0 ? [] : sections.filter(([title, , text]) => has(title + " " + text));
  matching.sort((one, other) => has(other[0]) - has(one[0]));
  found.replaceChildren(...matching.slice(0, most).map(([title, address]) => {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = title;
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
  found.hidden = words.length === 0;
});
