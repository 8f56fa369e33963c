// What a reporter does on one page, with all its secrets. It runs in the worker
// and nowhere else; nothing of it is stored, and all of it is gone with the page.

import { type Bytes, fromHex, random, toBase64, toHex, digestOf, utf8 } from "./core/bytes.js";
import { sealCard } from "./core/card.js";
import { type Code, parse, split } from "./core/casecode.js";
import { encodeStream } from "./core/frame.js";
import { type FormKeys, formKeys, type Readers, tagOf } from "./core/form.js";
import { type Attachment, cleanName, cleanText, cleanType, type Letter, letterDocument, letterForTag, summaryDocument } from "./core/letter.js";
import { blindsFor, depositDigest, openReceipt, wrapLeafHash, wrapsRoot } from "./core/log.js";
import { type Checked, checkRoster, keyWitnessesOf, readersOf, wrappedTo } from "./core/roster.js";
import { Mark } from "./core/mark.js";
import { floors, recipientOf, type Sealed, sealDocument, type SealedObject, sealBytes } from "./core/seal.js";
import { type CaseKey, caseKey } from "./core/split.js";
import { destroyText, type Seen, viewOf } from "./core/view.js";
import { Hasher } from "./hasher.js";
import { clean } from "./metadata/index.js";
import {
  type CodeError,
  type Day,
  Failure,
  type Form,
  type Progress,
  type Reply,
  type Report,
  type Roster,
  type Sent,
  type SentFile,
  type Standing,
  type State,
  type TryError,
  type View,
} from "./types.js";
import { upload } from "./upload.js";
import { Away, pause, UploadGone, Vault } from "./vault.js";

const mostFiles = 200;
const tries = [1000, 2000, 4000, 8000, 15000, 30000, 30000, 30000, 30000, 30000]; // ms before a deposit is sent again

interface Uploads {
  id: string;
  object: SealedObject;
  attachment: Attachment;
  mark: Bytes;
  file: SentFile;
}

interface Opened {
  code: Code;
  seen: Seen;
}

/** What a deposit is made of, be it a form's or a message's. */
interface Deposit {
  code: Code;
  recipient: string; // of the case
  key?: CaseKey; // to be wrapped; a message has none
  letter: Letter;
  tagKey: Bytes;
  once: [string, string | Uint8Array]; // what begins it
}

export class Session {
  private readonly vault: Vault;
  private checked!: Checked;
  private state!: State;
  private seed: Bytes | null = null;
  private shown: Code | null = null; // the code that prepare gave last
  private readonly opened = new Map<number, Opened>();
  private handles = 0;
  private uploads = new Map<string, Uploads>(); // what is uploaded, and not deposited yet
  private hasher: Hasher | null = null;

  constructor(
    base: string,
    private readonly rootKey: string,
    private readonly script: string, // URL of the worker's script
  ) {
    this.vault = new Vault(base);
  }

  async refresh(): Promise<Standing> {
    const [state, proof] = await Promise.all([this.vault.state(), this.vault.rosterProof()]);
    const checked = checkRoster(proof, this.rootKey, new Date());
    if (state.origin !== checked.roster.origin || state.log_key !== checked.roster.log_key) throw new Failure("roster-log");
    if (state.roster !== checked.digest) throw new Failure("roster-old");
    if (this.checked && checked.roster.version < this.checked.roster.version) throw new Failure("roster-old");
    // What was said to open with others' word never joins a case that opens without.
    if (this.checked && witnessed(this.checked.roster) !== witnessed(checked.roster)) this.seed = null;
    this.checked = checked;
    this.state = state;
    return { state, roster: checked.roster, unwitnessed: checked.unwitnessed };
  }

  prepare(form: Pick<Form, "unit" | "without">): { words: string[] } {
    this.shown = this.keys(form).keys.code;
    return { words: this.shown.words };
  }

  tryCode(typed: string): TryError | null {
    const right = this.shown;
    if (!right) throw new Failure("internal");
    const p = parse(typed);
    if ("code" in p) {
      if (p.code.is(right)) return null;
    } else if (p.wrong.code !== "checksum") {
      return p.wrong;
    }
    // All words are known: name the first that is another, if only few are.
    const words = split(typed);
    const wrong = right.words.flatMap((w, i) => (i < words.length && !words[i]!.startsWith(w.slice(0, 4)) ? [i + 1] : []));
    if (wrong.length > 0 && wrong.length <= 3) return { code: "differs", place: wrong[0]! };
    return "wrong" in p ? p.wrong : { code: "other" };
  }

  async send(form: Form, files: File[], onProgress: (p: Progress) => void, signal: AbortSignal): Promise<Sent> {
    const { keys, to } = this.keys(form);
    await this.ready(files);
    if (this.state.roster !== this.checked.digest) throw new Failure("roster");
    const reporter = await recipientOf(keys.code.identity);
    const { need, all } = keyWitnessesOf(this.checked.roster, to.unit);
    const key = await caseKey(keys, need, all);
    const sent = await this.deliver(files, form.asIs, onProgress, signal, {
      code: keys.code,
      recipient: key.recipient,
      key,
      letter: {
        case: keys.case,
        day: this.state.day,
        language: form.language,
        ...to,
        reporter,
        report: cleanReport(form.report),
        attachments: [],
      },
      tagKey: keys.tag,
      once: ["unit", to.unit],
    });
    this.shown = keys.code;
    return sent;
  }

  async look(typed: string): Promise<View | CodeError> {
    const p = parse(typed);
    if ("wrong" in p) return p.wrong;
    const { code, corrections } = p;
    let stream: Uint8Array;
    try {
      stream = await this.vault.lookup(code.lookup);
    } catch (e) {
      if (e instanceof Failure && e.kind === "unknown") return { code: "unknown", got: 0, place: 0, typed: "", suggestion: "" };
      throw e;
    }
    const seen = await viewOf(stream, code, this.checked.roster.origin, this.checked.members).catch(() => {
      throw new Failure("internal");
    });
    const handle = ++this.handles;
    this.opened.set(handle, { code, seen });
    return { ...seen.view, handle, corrections };
  }

  async reply(handle: number, once: string, r: Reply, files: File[], onProgress: (p: Progress) => void, signal: AbortSignal): Promise<Sent> {
    const { code, seen } = this.untampered(handle);
    await this.ready(files);
    return this.deliver(files, r.asIs, onProgress, signal, {
      code,
      recipient: seen.recipient,
      letter: {
        case: seen.view.case,
        day: this.state.day,
        language: r.language,
        unit: seen.view.unit,
        without: [],
        reporter: await recipientOf(code.identity),
        text: cleanText(r.text),
        attachments: [],
      },
      tagKey: code.mac,
      once: ["reply", fromHex(once)],
    });
  }

  async destroy(handle: number, object: string): Promise<Day> {
    const { code, seen } = this.untampered(handle);
    const order = destroyText(this.checked.roster.origin, seen.view.case, object);
    return (await this.vault.destroy(code.lookup, object, code.sign(order))).day;
  }

  forget(): void {
    this.seed = null;
    this.shown = null;
    this.opened.clear();
    this.uploads.clear();
  }

  private keys(form: Pick<Form, "unit" | "without">): { keys: FormKeys; to: Readers } {
    const { roster } = this.checked;
    // Whom the roster does not know can't be left out; whoever is no reader any
    // more stays left out, so that the same form is the same case.
    const to = { unit: form.unit, without: [...new Set(form.without)].filter((m) => roster.members.some((x) => x.id === m)).sort() };
    if (!roster.units.some((u) => u.id === to.unit) || readersOf(roster, to.unit, to.without).length === 0) throw new Failure("no-readers");
    this.seed ??= random(32);
    return { keys: formKeys(this.seed, to), to };
  }

  private untampered(handle: number): Opened {
    const o = this.opened.get(handle);
    if (!o) throw new Failure("internal");
    if (o.seen.view.warnings.length > 0) throw new Failure("tampered");
    return o;
  }

  /** Asks the vault before anything is sent, so that nothing is sent in vain. */
  private async ready(files: File[]): Promise<void> {
    this.state = await this.vault.state();
    if (!this.state.open) throw new Failure("closed");
    if (files.length > 0 && !this.state.files) throw new Failure("no-files");
    if (files.length > mostFiles) throw new Failure("many-files", mostFiles);
    let left = Math.floor(this.state.max_bytes / 5) * 4;
    for (const [i, f] of files.entries()) {
      if (f.size === 0) throw new Failure("empty-file", i);
      left -= f.size;
      if (left < 0) throw new Failure("too-large", i);
    }
  }

  /** Uploads the files and hands in the deposit; once more if what was uploaded before is gone in the vault. */
  private async deliver(files: File[], asIs: boolean, onProgress: (p: Progress) => void, signal: AbortSignal, d: Deposit): Promise<Sent> {
    for (let again = true; ; again = false) {
      try {
        const uploads = await this.upload(files, asIs, d, onProgress, signal);
        const sent = await this.deposit(uploads, onProgress, signal, d);
        this.uploads.clear();
        return sent;
      } catch (e) {
        if (!(e instanceof UploadGone)) throw e;
        this.uploads.clear();
        if (!again) throw e;
      }
    }
  }

  private async upload(files: File[], asIs: boolean, d: Deposit, onProgress: (p: Progress) => void, signal: AbortSignal): Promise<Uploads[]> {
    const done: Uploads[] = [];
    const total = { sent: 0, size: files.reduce((n, f) => n + f.size, 0) };
    try {
      for (const [i, file] of files.entries()) {
        const before = total.sent;
        const report = (sent: number, size: number, waiting: boolean) => {
          const n = Math.min(file.size, Math.floor((sent / size) * file.size));
          total.sent = before + n;
          onProgress({ file: i, sent: n, size: file.size, total: { ...total }, waiting });
        };
        const key = [d.recipient, asIs, file.name, file.type, file.size, file.lastModified].join("\n");
        let u = this.uploads.get(key);
        if (!u) {
          report(0, 1, false);
          u = await this.uploadOne(file, asIs, d, report, signal).catch((e: unknown) => {
            throw e instanceof Failure && e.file < 0 && (e.kind === "unreadable-file" || e.kind === "too-large") ? new Failure(e.kind, i) : e;
          });
          this.uploads.set(key, u);
        }
        report(1, 1, false);
        done.push(u);
      }
    } finally {
      this.hasher?.stop();
      this.hasher = null;
    }
    return done;
  }

  private async uploadOne(
    file: File,
    asIs: boolean,
    d: Deposit,
    onProgress: (sent: number, size: number, waiting: boolean) => void,
    signal: AbortSignal,
  ): Promise<Uploads> {
    const cleaned = await clean(file, asIs).catch(() => {
      throw new Failure("unreadable-file");
    });
    const u = await upload(
      this.vault.base + "files/",
      async () => ({ size: await cleaned.size(), stream: cleaned.stream() }),
      d.recipient,
      () => new Mark(d.tagKey),
      { start: () => (this.hasher ??= new Hasher(this.script)), drop: () => (this.hasher = null) },
      onProgress,
      signal,
    );
    const { kind, hidden, unclean } = cleaned.result;
    const attachment = { name: cleanName(file.name), type: cleanType(file.type), size: u.size, object: u.object.digest, hidden };
    return { id: u.id, object: u.object, attachment, mark: u.mark, file: { kind, hidden, unclean } };
  }

  private async deposit(uploads: Uploads[], onProgress: (p: Progress) => void, signal: AbortSignal, d: Deposit): Promise<Sent> {
    const letter: Letter = { ...d.letter, attachments: uploads.map((u) => u.attachment) };
    const { reporter } = letter;
    const documents: Sealed[] = [await sealDocument("letter", letterDocument(letter), floors.document, d.recipient)];
    const isForm = d.key !== undefined;
    if (d.key) documents.push(await sealDocument("summary", summaryDocument(letter, d.key.split), floors.summary, d.key.list));
    const salt = random(16);
    const wraps = d.key ? await this.wraps(letter, d.key) : null;
    const deposited = [...uploads.map((u) => u.object), ...documents.map((x) => x.object)];
    const card = await sealCard(
      {
        case: letter.case,
        unit: letter.unit,
        recipient: d.recipient,
        day: letter.day,
        objects: deposited,
        wraps: wraps?.root ?? "",
        letter: !isForm,
        files: uploads.length,
      },
      reporter,
      d.code.mac,
    );
    documents.push(card);
    const objects = [...deposited, card.object];
    // An addition is sealed to the case, whoever reads it by now.
    const head = { lookup: d.code.lookup, ...(isForm ? { case: letter.case, roster: this.checked.digest, reporter: d.code.reporter } : {}) };
    const commit = {
      form_tag: tagOf(d.tagKey, [d.once, ["letter", letterForTag(letter)], ...uploads.map((u): [string, Bytes] => ["content", u.mark])]),
      salt: toHex(salt),
      ...(wraps ? { wraps: wraps.wraps, blinds: wraps.blinds } : {}),
      objects,
      uploads: uploads.map((u) => ({ id: u.id, object: u.object.digest })),
    };
    const stream = encodeStream(head, documents, commit);
    const size = uploads.reduce((n, u) => n + u.attachment.size, 0);
    const answer = await this.handIn(stream, signal, (waiting) => onProgress({ file: -1, sent: 0, size: 0, total: { sent: size, size }, waiting }));
    const receipt = openReceipt(answer.receipt, this.checked.log);
    const opened = wraps && receipt.deposit === depositDigest(salt, letter.case, `${wraps.n} ${wraps.root}`, objects);
    const added = receipt.deposit === depositDigest(salt, letter.case, "-", objects); // a form sent again, changed, adds to its case
    if (answer.result !== "same" && !(answer.result === "new" ? opened : added)) throw new Failure("tampered");
    return {
      words: d.code.words,
      receipt: answer.receipt,
      due: receipt.due,
      // If the answer to the first try was lost, the second is told that the same was there.
      result: opened ? "new" : added ? "added" : "same",
      files: uploads.map((u) => u.file),
    };
  }

  /** Sends a deposit until it is answered: sent twice, it is stored once. */
  private async handIn(stream: Bytes, signal: AbortSignal, onWaiting: (waiting: boolean) => void): ReturnType<Vault["deposit"]> {
    for (let i = 0; ; i++) {
      onWaiting(false);
      try {
        return await this.vault.deposit(stream, signal);
      } catch (e) {
        const delay = tries[i];
        if (!(e instanceof Away || (e instanceof Failure && e.kind === "offline")) || delay === undefined) throw e;
        onWaiting(true);
        await pause(delay, signal);
      }
    }
  }

  /** The case's identity for each reader, and the commitment to who they are. */
  private async wraps(letter: Letter, key: CaseKey) {
    const hashes: Uint8Array[] = [];
    const wraps: { member: string; salt: string; data: string }[] = [];
    for (const { member, recipient } of wrappedTo(this.checked.roster, letter.unit, letter.without)) {
      const data = await sealBytes(utf8(member.startsWith("recovery-") ? key.whole : key.wrapped), recipient);
      const salt = random(16);
      hashes.push(wrapLeafHash({ salt, member, wrap: digestOf(data) }));
      wraps.push({ member, salt: toHex(salt), data: toBase64(data) });
    }
    const blinds = blindsFor(hashes.length);
    return { wraps, blinds: blinds.map(toBase64), n: hashes.length + blinds.length, root: wrapsRoot([...hashes, ...blinds]) };
  }
}

const witnessed = (r: Roster): string => JSON.stringify(r.units.map((u) => [u.id, u.key_witnesses]));

const cleanReport = (r: Report): Report => Object.fromEntries(Object.entries(r).map(([q, a]) => [q, typeof a === "string" ? cleanText(a) : a])) as unknown as Report;
