// What the pages' script and the worker say to each other. Nothing here holds a
// key: seeds, codes' secrets and case keys stay in the worker. The ten words of
// a code are the one secret that pages show.

/** A day, YYYY-MM-DD, or "" if there is none. */
export type Day = string;
/** A SHA-256 digest in hexadecimal. */
export type Digest = string;
export type Language = "id" | "en";

/** How the vault is, as `GET state` tells it. */
export interface State {
  origin: string;
  log_key: string;
  roster: Digest;
  open: boolean;
  files: boolean;
  max_bytes: number; // of a whole deposit, sealed
  day: Day;
}

/** A version of the list of readers whose signature and place in the log were checked. */
export interface Roster {
  version: number;
  previous: Digest;
  day: Day;
  origin: string;
  log_key: string;
  units: Unit[];
  members: Member[];
  witnesses?: string; // policy
}

export interface Unit {
  id: string;
  name: Record<string, string>;
  handles?: Record<string, string>;
  positions?: string[];
  other?: string;
  recovery?: string;
  contact?: Record<string, string>;
  key_witnesses?: KeyWitnesses;
}

/** How many of whom must give their shares before a case opens. */
export interface KeyWitnesses {
  need: number;
  of: string[]; // members
}

export interface Member {
  id: string;
  name: string;
  unit: string;
  roles: string[];
  recipient: string;
  key: string;
  since: Day;
  removed?: Day;
}

/** How the service stands: what sealing and looking begin with. */
export interface Standing {
  state: State;
  roster: Roster;
  unwitnessed: boolean; // the roster names witnesses of the log, and they haven't confirmed yet that it is in there
}

/** What the form asks; the names are those of its fields. Every answer may be empty. */
export interface Report {
  apa: string;
  bagaimana: string;
  mengapa: string;
  siapa: string;
  mana: string;
  kapan: string;
  jenis: string; // a category, or "" for one that is not known
  rugi: string;
  saksi: string;
  sudah: string;
  jangan_diteruskan?: boolean; // it must not go to the main queue
}

export interface Form {
  unit: string; // an id of the roster: "?" is the page's to resolve
  without: string[]; // members who must not read it
  report: Report;
  language: Language;
  asIs: boolean; // files keep their hidden data
}

/** A message of a reporter who has opened a case. */
export interface Reply {
  text: string;
  language: Language;
  asIs: boolean;
}

/** What became of a file's hidden data. */
export type Hidden = "removed" | "partly" | "kept";

export interface Progress {
  file: number; // index of the file under way; -1 while the text is sent
  sent: number; // bytes of that file
  size: number;
  total: { sent: number; size: number };
  waiting: boolean; // the connection is lost, and is tried again
}

export type Result = "new" | "same" | "added";

/** What became of what was sent, once the vault has it for good. */
export interface Sent {
  words: string[]; // the code, ten words
  receipt: string; // signed note: a promise to log the deposit
  due: Day; // by whose end it is in the log
  result: Result;
  files: SentFile[]; // in the order of the files sent
}

export interface SentFile {
  kind: Kind;
  hidden: Hidden;
  unclean: boolean; // a photo in which something may be left, though it was to be removed
}

/** A kind of file, by its first bytes. */
export type Kind = "jpeg" | "png" | "webp" | "heic" | "image" | "pdf" | "office" | "audio" | "video" | "other";

/** Something that a file tells besides what it shows. */
export interface Finding {
  what: string; // author, program, device, place, time, title, …
  value: string;
}

export interface Inspection {
  kind: Kind;
  findings: Finding[];
}

export type Status =
  | "received"
  | "verifying"
  | "incomplete"
  | "reviewing"
  | "investigating"
  | "referred"
  | "forwarded"
  | "closed"
  | "rejected"
  | "archived";

/**
 * What is wrong with a case as the reporter's side sees it: a card not made
 * with this code, cards that name different keys, an object that is gone or
 * was exchanged, an answer that no member signed, an answer that is said to be
 * destroyed by the reporter, who didn't order it. If there is any, nothing
 * else of the view may be shown, and nothing more may be sent.
 */
export type Warning = "card" | "key" | "missing" | "signature" | "destroyed";

/** A case as the reporter sees it. It is the same case for reply and destroy. */
export interface View {
  handle: number; // by which the worker knows the case
  case: string;
  unit: string;
  since: Day;
  status: Status | ""; // "" if the answer that told it was destroyed
  due: Day;
  messages: Message[]; // newest first
  history: { status: Status; day: Day }[]; // oldest first
  inLog: boolean; // all of it
  logged: Day; // on which the report entered the log
  receipt: string; // of the report, as it was given when it came
  warnings: Warning[];
  corrections: Correction[]; // how mistyped words were read
}

/** A message of either side. What reporters wrote is never shown again. */
export interface Message {
  day: Day;
  by: string; // member; "" for the reporter, and if it was destroyed
  text: string; // of a member
  files: number; // of the reporter
  object: Digest; // of a member's message, to destroy it by; "" for the reporter's
  tells: Status | ""; // that the message came with
  destroyed: Day; // when the reporter had the message destroyed; "" if not
}

export interface Correction {
  place: number; // from 1
  typed: string;
  word: string;
}

/** Why a code that was typed opens nothing. */
export interface CodeError {
  code: "empty" | "count" | "word" | "checksum" | "unknown";
  got: number; // of count: how many words were typed
  place: number; // of word: from 1
  typed: string;
  suggestion: string; // "" if none is near
}

/** Why something could not be done. */
export type FailureKind =
  // start: the plain form is used instead
  | "old-browser"
  | "blocked" // the worker does not start
  | "timeout"
  | "roster-signature"
  | "roster-log" // not in the log, or the log is another
  | "roster-witnesses" // the log is another than its witnesses have seen
  | "roster-old" // another one is in force, or the device's date is days ahead
  | "clock" // the device's date is days behind
  | "recipient" // a reader's key is of a kind that is not known here
  // also later
  | "offline" // nobody answers
  | "closed" // the vault takes nothing now
  | "busy" // too much was asked on this connection, and waiting didn't help
  | "no-files" // the vault takes no files now
  | "too-large"
  | "many-files"
  | "empty-file"
  | "unreadable-file" // changed or gone since it was chosen
  | "no-readers"
  | "roster" // another roster came into force: start again and show the readers
  | "tampered"
  | "no-key" // answers of this case can't be destroyed: it came without a key to sign that with
  | "no-answer" // the case has no such answer
  | "signature" // the vault has another key for the case than the code's
  | "unknown" // no case has this code (any more)
  | "aborted" // by the signal
  | "internal";

export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    readonly file = -1, // index of the file it is about
  ) {
    super(kind);
    this.name = "Failure";
  }
}

/** Why a code that was tried is not the one shown: the first wrong word, or only that it is another code. */
export type TryError = CodeError | { code: "differs"; place: number } | { code: "other" };

/** What the page asks, by the names of Client. */
export type Call =
  | { call: "start"; base: string; rootKey: string }
  | { call: "refresh" }
  | { call: "prepare"; form: Pick<Form, "unit" | "without"> }
  | { call: "tryCode"; typed: string }
  | { call: "send"; form: Form; files: File[] }
  | { call: "inspect"; file: File }
  | { call: "look"; typed: string }
  | { call: "reply"; view: number; once: string; reply: Reply; files: File[] }
  | { call: "destroy"; view: number; object: string }
  | { call: "forget" };

export type ToWorker = { id: number; abort: true } | ({ id: number } & Call);

export type FromWorker =
  | { id: number; value: unknown }
  | { id: number; progress: Progress }
  | { id: number; failure: { kind: Failure["kind"]; file: number } };
