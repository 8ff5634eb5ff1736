// SPDX-License-Identifier: MIT
//
// A program written for the broker's JavaScript SDK, pointed here as docs/upstox-compatible.md says.
//
//     node sdk_client.js FOLDER http://127.0.0.1:8000 ws://127.0.0.1:8080 TOKEN
//
// FOLDER is where node_modules/upstox-js-sdk lies. Commands come as lines of JSON on standard input
// ({"do":"subscribe","keys":[...],"mode":"full"}), what the SDK says goes out the same way.
"use strict";
const [folder, rest, feed, token] = process.argv.slice(2);
const sdk = (name) => require(require.resolve("upstox-js-sdk" + name, { paths: [folder] }));
const Upstox = sdk("");
const { MarketDataFeederV3 } = sdk("/dist/feeder/MarketDataFeederV3");

// The change of host: one line for REST, one for the feed, whose address the SDK does not let be set.
Upstox.ApiClient.instance.basePath = rest;
Upstox.ApiClient.instance.authentications["OAUTH2"].accessToken = token;
const connect = MarketDataFeederV3.prototype.connectWebSocket;
MarketDataFeederV3.prototype.connectWebSocket = function (url, key) {
  return connect.call(this, url.replace("wss://api.upstox.com", feed), key);
};

function say(event, data) {
  process.stdout.write(JSON.stringify({ event, data }) + "\n");
}

let streamer;

const commands = {
  connect({ keys, mode }) {
    streamer = keys ? new Upstox.MarketDataStreamerV3(keys, mode) : new Upstox.MarketDataStreamerV3();
    for (const name of ["open", "close", "reconnecting", "autoReconnectStopped"])
      streamer.on(name, (text) => say(name, text));
    streamer.on("error", (error) => say("error", String(error)));
    // One chunk of the SDK's stream may hold several messages.
    streamer.on("message", (chunk) => {
      for (const text of chunk.toString("utf-8").split(/(?<=})(?={)/)) say("message", JSON.parse(text));
    });
    streamer.connect();
  },
  subscribe: ({ keys, mode }) => streamer.subscribe(keys, mode),
  unsubscribe: ({ keys }) => streamer.unsubscribe(keys),
  changeMode: ({ keys, mode }) => streamer.changeMode(keys, mode),
  disconnect: () => streamer.disconnect(),
  token({ text }) {
    Upstox.ApiClient.instance.authentications["OAUTH2"].accessToken = text;
  },
  // REST calls of the SDK, by class and method; the last argument is the callback.
  call({ api, method, args }) {
    new Upstox[api]()[method](...args, (error, data, response) =>
      say("answer", { error: error ? response && response.body : null, data, body: response && response.body }));
  },
};

require("readline").createInterface({ input: process.stdin })
  .on("line", (line) => { const c = JSON.parse(line); commands[c.do](c); })
  .on("close", () => process.exit(0));
say("ready");
