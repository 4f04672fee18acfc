import { Refused, request } from "./server.js";

const firstPause = 500, longestPause = 5000; // between attempts to reach the server

// follow reads the stream of records for ever, and calls on(event, data, size). It waits
// while on returns a promise, so that the server learns that this page is slow.
export async function follow(on, signal) {
  let last = 0, start, pause = firstPause, frame;
  for (;;) {
    try {
      const answer = await request(`records?after=${last}`, { signal });
      pause = firstPause;
      for await (const { event, data } of messages(answer.body)) {
        const got = JSON.parse(data);
        if (event === "hello") {
          const restarted = start !== undefined && start !== got.start;
          start = got.start;
          await on("hello", { ...got, restarted });
          if (restarted && last > 0) {
            last = 0;
            break; // and from the beginning
          }
        } else {
          if (event === "message") {
            last = got.n;
            if (got.sameFrame) { // a message for many clients is sent once
              got.frame = frame;
              delete got.sameFrame;
            }
            frame = got.frame ?? frame;
          }
          await on(event, got, data.length);
        }
      }
      await on("end", {});
    } catch (problem) {
      await on("end", { refused: problem instanceof Refused && problem.status < 500 ? problem : undefined });
    }
    await new Promise(resume => setTimeout(resume, pause));
    pause = Math.min(pause * 2, longestPause);
  }
}

// messages yields the messages of server-sent events.
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        let event = "message", data = "";
        for (const line of block.split("\n")) {
          if (line.startsWith("event:")) event = line.slice(6).trim();
          else if (line.startsWith("data:")) data += line.slice(5).trimStart();
        }
        if (data) yield { event, data };
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
