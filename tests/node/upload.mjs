// The real tus-js-client: sends a file and prints its address. upload.mjs ENDPOINT TOKEN FILE CHUNK_BYTES|all
import { createReadStream, statSync } from "node:fs";
import { Upload } from "tus-js-client";

const [endpoint, token, file, chunk] = process.argv.slice(2);
const upload = new Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "talk.webm", filetype: "video/webm" },
  uploadSize: statSync(file).size,
  chunkSize: chunk === "all" ? Infinity : Number(chunk),
  retryDelays: Array(400).fill(250),
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(upload.url),
});
upload.start();
