/** The part of CodeMirror 5 that the editor uses. */
interface Position {
  line: number;
  ch: number;
}

export interface Hint {
  text: string;
  render?: (element: HTMLElement) => void;
}

export interface Instance {
  getValue(): string;
  setValue(text: string): void;
  setOption(name: string, value: unknown): void;
  getCursor(end?: "from" | "to"): Position;
  setCursor(position: Position): void;
  getLine(line: number): string;
  lineCount(): number;
  getScrollInfo(): { left: number; top: number };
  scrollTo(left: number, top: number): void;
  scrollIntoView(position: Position, margin: number): void;
  somethingSelected(): boolean;
  getSelection(): string;
  replaceSelection(text: string): void;
  execCommand(name: string): void;
  focus(): void;
  refresh(): void;
  getWrapperElement(): HTMLElement;
  getInputField(): HTMLElement;
  clearGutter(name: string): void;
  setGutterMarker(line: number, gutter: string, element: HTMLElement | null): void;
  addLineClass(line: number, where: string, name: string): void;
  removeLineClass(line: number, where: string, name?: string): void;
  on(event: string, handler: (...args: never[]) => void): void;
  showHint(options: Record<string, unknown>): void;
  readonly state: { completionActive?: unknown };
}

interface CodeMirrorStatic {
  (host: HTMLElement, options: Record<string, unknown>): Instance;
  readonly Pass: unknown;
}

declare const CodeMirror: CodeMirrorStatic;
export default CodeMirror;
