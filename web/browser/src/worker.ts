// The worker: everything secret happens here.
import { Encrypter } from "age-encryption";
import list from "../../../crypto/casecode/words.txt";

self.onmessage = () => self.postMessage([Encrypter.name, list.length]);
