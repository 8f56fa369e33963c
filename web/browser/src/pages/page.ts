/** One of the forms that this script takes over, with the pages that follow from it. */
export interface Page {
  readonly start: string; // address of the page that the server sent, without its language
  readonly mode: string; // key of the sentence on where things are sealed
  readonly routes: Record<string, (form: HTMLFormElement, button: HTMLElement | null) => Promise<void>>;
  readonly unsaved: boolean; // something would be lost if the page were left
  view: () => void; // shows the current page anew
  go(name: string): void;
}
