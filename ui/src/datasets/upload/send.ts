import { errorFrom } from "../../api/errors.ts";
import { ApiError } from "../../api/errors.ts";
import type { MadeVersion } from "../api.ts";

export interface Sent {
  bytes: number;
  of: number;
}

/** Sends a body and says how much of it has gone; fetch does not tell that. */
export function upload<T = MadeVersion>(
  url: string,
  body: Blob,
  type: string,
  onProgress: (sent: Sent) => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Content-Type", type);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => onProgress({ bytes: event.loaded, of: event.total || body.size });
    request.onload = async () => {
      if (request.status >= 200 && request.status < 300) return resolve(JSON.parse(request.responseText) as T);
      reject(
        await errorFrom(new Response(request.responseText, { status: request.status, statusText: request.statusText })),
      );
    };
    request.onerror = () =>
      reject(
        new ApiError(
          "offline",
          "The connection broke while the file was sent. What arrived was not kept; send it again.",
        ),
      );
    request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
