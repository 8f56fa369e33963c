import type { Kind } from "../types.js";

/** Tells the kind by a file's first 512 bytes, as `kindOf` in internal/metadata does. */
export function kindOf(head: string): Kind {
  const is = (pattern: RegExp): boolean => pattern.test(head);
  if (is(/^\xff\xd8\xff/)) return "jpeg";
  if (is(/^\x89PNG\r\n\x1a\n/)) return "png";
  if (is(/^RIFF....WEBPVP/s)) return "webp";
  if (is(/^%PDF-/)) return "pdf";
  if (is(/^PK\x03\x04/)) {
    return is(/^.{30}(\[Content_Types\]\.xml|_rels\/|docProps\/|word\/|xl\/|ppt\/|mimetypeapplication\/vnd\.oasis\.)/s) ? "office" : "other";
  }
  if (is(/^(\0\0[\x01\x02]\0|BM|GIF8[79]a)/)) return "image";
  if (is(/^(FORM....AIFF|ID3|OggS\0|MThd\0\0\0\x06|RIFF....WAVE)/s)) return "audio";
  if (is(/^(RIFF....AVI |\x1aE\xdf\xa3)/s)) return "video";
  if (is(/^....ftyp..../s)) {
    if (is(/^.{8}(hei[cxms]|hev[cx]|mif1|msf1|avi[fs])/s)) return "heic";
    if (is(/^.{8}crx /s)) return "image";
    return is(/^.{8}M4[ABP] /s) ? "audio" : "video";
  }
  if (is(/^....(moov|mdat|wide)/s)) return "video";
  if (is(/^(\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\{\\rtf)/)) return "office";
  if (is(/^(II\*\0|MM\0\*)/)) return "image";
  if (is(/^(#!AMR|fLaC|\xff[\xfb\xfa\xf3\xf2\xf1\xf9])/)) return "audio";
  return "other";
}

/** Whether the beginning is text. */
export const isText = (head: string): boolean => /^(\xfe\xff|\xff\xfe|\xef\xbb\xbf)/.test(head) || !/[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(head);
