// Numbers of things in words, as the server writes them: "1 minute", "2,500 records".

export function counted(number, plural) {
  return `${number.toLocaleString("en-US")} ${number === 1 ? plural.replace(/s$/, "") : plural}`;
}
