// Emits through Redis from a process of its own, as many a second as it is told, round the jobs.
// usage: node publisher.mjs REDIS RATE SECONDS JOBS BYTES
import { Emitter } from "@socket.io/redis-emitter";
import { createClient } from "redis";

const [redis, ...numbers] = process.argv.slice(2);
const [rate, seconds, jobs, bytes] = numbers.map(Number);
const MOST_IN_FLIGHT = 2000;
const clock = () => (performance.timeOrigin + performance.now()) / 1000;
const client = createClient({ url: redis });
await client.connect();
let inFlight = 0;
const emitter = new Emitter({
  publish(channel, message) {
    inFlight += 1;
    client.publish(channel, message).finally(() => (inFlight -= 1));
  },
});
const filling = "x".repeat(Math.max(0, bytes - 60));
const began = clock();
let sent = 0;
while (clock() - began < seconds) {
  const due = Math.min((clock() - began) * rate, seconds * rate);
  for (; sent < due && inFlight < MOST_IN_FLIGHT; sent += 1) {
    const job = String(sent % jobs);
    emitter.to(job).emit("progress", { t: began + sent / rate, job, state: "running", filling });
  }
  await new Promise((resume) => setTimeout(resume, 1));
}
const took = clock() - began;
while (inFlight) await new Promise((resume) => setImmediate(resume));
console.log(JSON.stringify({ sent, rate: sent / took }));
await client.quit();
