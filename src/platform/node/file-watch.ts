// Watching a folder or file for changes, however often it is deleted, replaced or created anew.
//
// A watch of the kernel stands on an inode, not on a name. So the path's parent is watched as well, and each time something happens the
// watch on the path is put on whatever stands there now; a "rename" says that the name means another thing, even one with the same inode
// number. While not even the parent exists, existence is asked for now and then.
import { type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

const quietMilliseconds = 20;
const longestQuietMilliseconds = 200;
const missingPollMilliseconds = 500;

export function watchPath(path: string, changed: () => void): { close(): void } {
  const name = basename(path);
  const parentName = basename(dirname(path));
  let closed = false;
  let ownMoved = false;
  let parentMoved = false;
  let own: { readonly watcher: FSWatcher; readonly inode: number } | undefined;
  let parent: { readonly watcher: FSWatcher; readonly inode: number } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let poll: NodeJS.Timeout | undefined;
  let firstChangeAt = 0;

  const report = (): void => {
    timer = undefined;
    if (closed) return;
    stand();
    changed();
  };

  /** Waits for quiet, but not for ever: a folder that never rests is reported too. */
  const note = (): void => {
    if (closed) return;
    const now = performance.now();
    if (timer) {
      if (now - firstChangeAt > longestQuietMilliseconds) return;
      clearTimeout(timer);
    } else {
      firstChangeAt = now;
    }
    timer = setTimeout(report, quietMilliseconds);
  };

  const observe = (
    target: string,
    heard: (file: string | null, renamed: boolean) => void,
  ): { watcher: FSWatcher; inode: number } | undefined => {
    const inode = inodeOf(target);
    if (inode === undefined) return undefined;
    try {
      const watcher = watch(target, (event, file) => heard(file, event === "rename"));
      watcher.on("error", note);
      return { watcher, inode };
    } catch {
      return undefined;
    }
  };

  const stand = (): void => {
    if (own && (ownMoved || inodeOf(path) !== own.inode)) {
      own.watcher.close();
      own = undefined;
    }
    if (parent && (parentMoved || inodeOf(dirname(path)) !== parent.inode)) {
      parent.watcher.close();
      parent = undefined;
    }
    ownMoved = false;
    parentMoved = false;
    own ??= observe(path, (file, renamed) => {
      ownMoved ||= renamed && file === name;
      note();
    });
    parent ??= observe(dirname(path), (file, renamed) => {
      ownMoved ||= renamed && file === name;
      parentMoved ||= renamed && file === parentName;
      if (file === null || file === name || file === parentName) note();
    });
    clearTimeout(poll);
    if (!parent) poll = setTimeout(lookAgain, missingPollMilliseconds);
  };

  const lookAgain = (): void => {
    stand();
    if (own || parent) note();
  };

  stand();
  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
      clearTimeout(poll);
      own?.watcher.close();
      parent?.watcher.close();
    },
  };
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined;
  }
}
