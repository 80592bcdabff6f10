// Socket.IO with its Redis adapter: each client joins the room of its job. usage: node server.mjs PORT REDIS
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redis] = process.argv.slice(2);
const [publishing, subscribing] = [createClient({ url: redis }), createClient({ url: redis })];
for (const client of [publishing, subscribing]) {
  client.on("error", (error) => console.error(error.message));
  await client.connect();
}
const http = createServer();
const adapter = createAdapter(publishing, subscribing);
const io = new Server(http, { adapter, transports: ["websocket"], perMessageDeflate: false });
io.on("connection", async (socket) => {
  await socket.join(socket.handshake.query.job);
  socket.emit("joined");
});
http.listen(Number(port), "127.0.0.1");
