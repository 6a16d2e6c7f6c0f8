// Reads an Adaptive Card from stdin with Microsoft's own library and prints each thing that it finds wrong with it.
globalThis.self = globalThis;
const cards = require("adaptivecards/dist/adaptivecards.js");
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const [major, minor] = given.version.split(".").map(Number);
const context = new cards.SerializationContext(new cards.Version(major, minor));
const card = new cards.AdaptiveCard();
card.parse(given, context);
for (let place = 0; place < context.eventCount; place++) console.log(context.getEventAt(place).message);
for (const event of card.validateProperties().validationEvents) console.log(event.message);
if (card.getItemCount() !== given.body.length) console.log("an element was dropped");
