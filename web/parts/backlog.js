// What was recorded here and is not known to be whole at the service: on disk, second by second, in IndexedDB.
//
// recordings: {id, owner, metadata, startedAt, size, ended, address}. chunks: {recording, start, bytes}, by both. A change
// has happened, for a machine that loses its power too, when its promise is kept. All chunks stay until the service has
// all of them: it closes what it has not heard of for long, and then everything has to be there to be sent anew.

const NAME = "tidemark-recordings";
const AT_ONCE = 16;
const ALIVE_MS = 45_000; // the service closes what it has not heard of for two minutes

/** Opens it. The same one may be open in several tabs. */
export async function openBacklog() {
  const opening = indexedDB.open(NAME, 1);
  opening.addEventListener("upgradeneeded", () => {
    opening.result.createObjectStore("recordings", { keyPath: "id" });
    opening.result.createObjectStore("chunks", { keyPath: ["recording", "start"] });
  });
  return new Backlog(await settled(opening));
}

class Backlog {
  constructor(database) {
    this.database = database;
  }

  /** A new recording without a chunk; this tab holds it from now on. */
  async begin(owner, metadata) {
    const begun = { id: crypto.randomUUID(), owner, metadata, startedAt: Date.now(), size: 0, ended: false, address: null };
    await this.write(({ recordings }) => recordings.put(begun));
    await hold(begun.id);
    return begun;
  }

  /** Adds what follows; the size by then. Calls for one recording must follow each other. */
  append(id, bytes) {
    return this.write(async ({ recordings, chunks }) => {
      const recording = await settled(recordings.get(id));
      chunks.put({ recording: id, start: recording.size, bytes });
      recording.size += bytes.byteLength;
      recordings.put(recording);
      return recording.size;
    });
  }

  /** Keeps where at the service it goes, or that nothing will follow. A repeat is harmless. */
  change(id, changes) {
    return this.write(async ({ recordings }) => {
      const recording = await settled(recordings.get(id));
      if (recording) recordings.put({ ...recording, ...changes });
    });
  }

  /** What this person left here and no tab holds, the oldest first. */
  async left(owner) {
    const [found, { held }] = await Promise.all([this.read(({ recordings }) => settled(recordings.getAll())), navigator.locks.query()]);
    const names = new Set(held.map((lock) => lock.name));
    const mine = found.filter((recording) => recording.owner === owner && !names.has(lockOf(recording.id)));
    return mine.sort((one, other) => one.startedAt - other.startedAt);
  }

  /** Takes over what no tab holds; null where another was quicker, or it is not there any more. */
  async take(id) {
    if (!(await hold(id))) return null;
    await this.change(id, { ended: true });
    return (await this.read(({ recordings }) => settled(recordings.get(id)))) || null;
  }

  /** Some of what follows an offset; empty where nothing does. */
  bytesFrom(id, offset) {
    return this.read(async ({ chunks }) => {
      const first = (await settled(chunks.openCursor(IDBKeyRange.bound([id, 0], [id, offset]), "prev")))?.value;
      if (!first) return new Blob();
      const found = await settled(chunks.getAll(IDBKeyRange.bound([id, first.start], [id, Infinity]), AT_ONCE));
      return new Blob(found.map((chunk) => chunk.bytes)).slice(offset - first.start);
    });
  }

  /** All of it, as one file. */
  async whole(id) {
    const all = IDBKeyRange.bound([id, 0], [id, Infinity]);
    const found = await this.read(({ chunks }) => settled(chunks.getAll(all)));
    return new Blob(found.map((chunk) => chunk.bytes));
  }

  /** Deletes a recording here. */
  async drop(id) {
    await this.write(({ recordings, chunks }) => {
      recordings.delete(id);
      chunks.delete(IDBKeyRange.bound([id, 0], [id, Infinity]));
    });
    this.release(id);
  }

  /** Leaves it to whoever takes it next. */
  release(id) {
    releases.get(id)?.();
    releases.delete(id);
  }

  read(work) {
    return this.transact("readonly", work);
  }

  write(work) {
    return this.transact("readwrite", work);
  }

  async transact(mode, work) {
    const transaction = this.database.transaction(["recordings", "chunks"], mode, { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.addEventListener("complete", resolve);
      transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("The disk took nothing more.")));
    });
    const stores = { recordings: transaction.objectStore("recordings"), chunks: transaction.objectStore("chunks") };
    const [result] = await Promise.all([work(stores), done]);
    return result;
  }
}

/** What an upload sends of it: the chunks that are on disk, in order. */
export class BacklogSource {
  constructor(backlog, recording, alive = ALIVE_MS) {
    this.backlog = backlog;
    this.alive = alive;
    this.id = recording.id;
    this.stored = recording.size;
    this.size = recording.ended ? recording.size : null;
    this.address = recording.address;
    this.settled = Promise.resolve();
    this.wake = () => undefined;
  }

  /** Says how much is on disk now. */
  grew(stored) {
    this.stored = stored;
    this.wake();
  }

  end() {
    this.size = this.stored;
    this.wake();
  }

  /** Nothing, as a sign of life, where nothing comes for a while: the recorder pauses. */
  async read(offset) {
    await this.settled;
    const until = Date.now() + this.alive;
    while (offset >= this.stored) {
      if (this.size !== null) return null;
      if (Date.now() >= until) return new Blob();
      await this.growth(until - Date.now());
    }
    return this.backlog.bytesFrom(this.id, offset);
  }

  /** Returns when more is on disk, or it has ended, or so much time has passed. */
  async growth(milliseconds) {
    let timer = null;
    await new Promise((wake) => {
      this.wake = wake;
      timer = setTimeout(wake, milliseconds);
    });
    clearTimeout(timer);
  }

  /** Where the upload keeps its address: on disk before the first byte goes there. */
  get addresses() {
    return {
      getItem: () => this.address,
      setItem: (_, address) => {
        this.address = address;
        this.settled = this.backlog.change(this.id, { address });
        this.settled.catch(() => undefined); // whoever reads from the source is told
      },
      removeItem: () => undefined, // it goes with the chunks
    };
  }
}

// A recording is held by the tab that records or sends it, and free when that is gone, however it went.
const releases = new Map();
const lockOf = (id) => `tidemark-recording:${id}`;

function hold(id) {
  return new Promise((held) => {
    navigator.locks.request(lockOf(id), { ifAvailable: true }, (lock) => {
      held(Boolean(lock));
      return lock && new Promise((release) => releases.set(id, release));
    });
  });
}

const settled = (request) => new Promise((resolve, reject) => {
  request.addEventListener("success", () => resolve(request.result));
  request.addEventListener("error", () => reject(request.error));
});
