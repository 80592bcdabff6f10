// What was recorded and is not known to be whole at the server: on disk, chunk by chunk, in IndexedDB.
//
// recordings: {id, title, server, metadata, startedAt, size, ended, address}. chunks: {recording, start, bytes}, by both.
// results: {id, title, server, endedAt}, the newest few that the server has whole. A change has happened, for a machine
// that loses its power too, when its promise is kept. All chunks stay until the server has all of them: it closes an
// upload that it has not heard of for long, and then everything has to be there to be sent anew.

const NAME = "tidemark";
const RESULTS = 5;
const AT_ONCE = 16;

/** Opens it. The same one may be open in several pages. */
export async function openQueue() {
  const opening = indexedDB.open(NAME, 1);
  opening.addEventListener("upgradeneeded", () => {
    const database = opening.result;
    database.createObjectStore("recordings", { keyPath: "id" });
    database.createObjectStore("chunks", { keyPath: ["recording", "start"] });
    database.createObjectStore("results", { keyPath: "id" });
  });
  return new Queue(await settled(opening));
}

export class Queue {
  constructor(database) {
    this.database = database;
  }

  /** A new recording without a chunk. */
  async begin({ title, server, metadata }) {
    const begun = { id: crypto.randomUUID(), title, server, metadata, startedAt: Date.now(), size: 0, ended: false, address: null };
    await this.write(["recordings"], ({ recordings }) => recordings.put(begun));
    return begun;
  }

  /** Adds what follows. Calls for one recording must follow each other. */
  append(id, bytes) {
    return this.write(["recordings", "chunks"], async ({ recordings, chunks }) => {
      const recording = await settled(recordings.get(id));
      chunks.put({ recording: id, start: recording.size, bytes });
      recording.size += bytes.byteLength;
      recordings.put(recording);
      return recording.size;
    });
  }

  /** Says that nothing will follow. A repeat is harmless. */
  end(id) {
    return this.change(id, { ended: true });
  }

  /** Keeps where at the server it goes. */
  addressed(id, address) {
    return this.change(id, { address });
  }

  /** All that waits, the oldest first. */
  async waiting() {
    const found = await this.read(["recordings"], ({ recordings }) => settled(recordings.getAll()));
    return found.sort((one, other) => one.startedAt - other.startedAt);
  }

  /** Some of what follows an offset, at the most sixteen chunks; empty where nothing does. */
  bytesFrom(id, offset) {
    return this.read(["chunks"], async ({ chunks }) => {
      const before = IDBKeyRange.bound([id, 0], [id, offset]);
      const first = (await settled(chunks.openCursor(before, "prev")))?.value;
      if (!first) return new Blob();
      const found = await settled(chunks.getAll(IDBKeyRange.bound([id, first.start], [id, Infinity]), AT_ONCE));
      return new Blob(found.map((chunk) => chunk.bytes)).slice(offset - first.start);
    });
  }

  /** All of a recording that is on disk, as one file. */
  async copy(id) {
    const pieces = [];
    for (let size = 0, piece; (piece = await this.bytesFrom(id, size)).size; size += piece.size) pieces.push(piece);
    return new Blob(pieces, { type: "video/webm" });
  }

  /** Deletes a recording that the server has whole, and remembers where it is. */
  finish(recording, result) {
    return this.write(["recordings", "chunks", "results"], async ({ recordings, chunks, results }) => {
      remove(recordings, chunks, recording.id);
      const { title, server } = recording;
      results.put({ id: result, title, server, endedAt: Date.now() });
      const older = (await settled(results.getAll())).sort((one, other) => other.endedAt - one.endedAt).slice(RESULTS);
      for (const { id } of older) results.delete(id);
    });
  }

  /** Deletes a recording, wherever it is. */
  discard(id) {
    return this.write(["recordings", "chunks"], ({ recordings, chunks }) => remove(recordings, chunks, id));
  }

  /** The newest recordings that the server has whole, the newest first. */
  async results() {
    const found = await this.read(["results"], ({ results }) => settled(results.getAll()));
    return found.sort((one, other) => other.endedAt - one.endedAt);
  }

  change(id, changes) {
    return this.write(["recordings"], async ({ recordings }) => {
      const recording = await settled(recordings.get(id));
      if (recording) recordings.put({ ...recording, ...changes });
    });
  }

  read(names, work) {
    return this.transact(names, "readonly", work);
  }

  write(names, work) {
    return this.transact(names, "readwrite", work);
  }

  async transact(names, mode, work) {
    const transaction = this.database.transaction(names, mode, { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.addEventListener("complete", resolve);
      transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("The disk took nothing more.")));
    });
    const stores = Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)]));
    const [result] = await Promise.all([work(stores), done]);
    return result;
  }
}

function remove(recordings, chunks, id) {
  recordings.delete(id);
  chunks.delete(IDBKeyRange.bound([id, 0], [id, Infinity]));
}

const settled = (request) => new Promise((resolve, reject) => {
  request.addEventListener("success", () => resolve(request.result));
  request.addEventListener("error", () => reject(request.error));
});
