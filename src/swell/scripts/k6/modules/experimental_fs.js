// k6/experimental/fs: files that are read in pieces.
import { SeekMode, open } from "swell:lib/fsfile";

export { SeekMode, open };
export default { open, SeekMode };
