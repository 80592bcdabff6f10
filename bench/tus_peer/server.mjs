// @tus/server with its S3 store, on bare node:http. server.mjs PORT ENDPOINT BUCKET ACCESS_KEY SECRET_KEY
import http from "node:http";
import { S3Store } from "@tus/s3-store";
import { Server } from "@tus/server";

const [port, endpoint, bucket, accessKeyId, secretAccessKey] = process.argv.slice(2);
const datastore = new S3Store({
  partSize: 8 * 1024 * 1024,
  s3ClientConfig: {
    bucket, endpoint, region: "us-east-1", forcePathStyle: true, credentials: { accessKeyId, secretAccessKey },
  },
});
const tus = new Server({ path: "/files", datastore, relativeLocation: true });
http.createServer((request, response) => tus.handle(request, response)).listen(Number(port), "127.0.0.1");
