// The files a Pod has on the node besides its volumes: logs and the links to them, last words, /etc/hosts.
import type { Pod } from "#api/core/pod/pod.ts";
import type { World } from "#platform/world.ts";
import type { KubeletOptions } from "../kubelet.ts";
import { annotations, namespaceOf, podFolder, podLogFolder } from "../layout.ts";
import { readLastWords } from "../logs/last-words.ts";
import { hostsText, nodeHostsText } from "../volumes/container-mounts.ts";
import type { ObservedContainer } from "./observed.ts";
import { domainOf, hostnameOf } from "./sandbox-config.ts";

type Named = Pick<ObservedContainer, "id" | "name" | "attempt">;

export class PodFiles {
  readonly #world: World;
  readonly #options: KubeletOptions;
  readonly #pod: Pod;

  constructor(world: World, options: KubeletOptions, pod: Pod) {
    this.#world = world;
    this.#options = options;
    this.#pod = pod;
  }

  get logFolder(): string {
    return podLogFolder(this.#options.podLogsFolder, this.#pod);
  }

  makeLogFolder(): Promise<void> {
    return this.#world.files.makeFolder(this.logFolder, { mode: 0o755 });
  }

  /** Makes the link by which log collectors find the container's log. */
  async linkLog({ id, name, attempt }: Named): Promise<void> {
    await this.#world.files.makeFolder(this.#options.containerLogsFolder, { mode: 0o755 });
    await this.#world.files.link(`${this.logFolder}/${name}/${attempt}.log`, this.#logLink(name, id));
  }

  async removeLog({ id, name, attempt }: Named): Promise<void> {
    const { files } = this.#world;
    const folder = `${this.logFolder}/${name}`;
    await files.remove(this.#logLink(name, id));
    if ((await files.stat(folder)) === undefined) return;
    for (const file of await files.list(folder)) if (file.startsWith(`${attempt}.log`)) await files.remove(`${folder}/${file}`);
  }

  async removeLogs(containers: readonly Named[]): Promise<void> {
    await this.#world.files.remove(this.logFolder, { recursive: true });
    for (const { id, name } of containers) await this.#world.files.remove(this.#logLink(name, id));
  }

  /** Makes the file that the container may write its last words into. */
  async makeTerminationFile(name: string, attempt: number): Promise<string> {
    const path = this.#terminationPath(name, attempt);
    await this.#world.files.makeFolder(path.slice(0, path.lastIndexOf("/")), { mode: 0o755 });
    await this.#world.files.write(path, "", { mode: 0o666 });
    await this.#world.files.changeMode(path, 0o666);
    return path;
  }

  lastWords({ name, attempt, exitCode, annotations: noted }: ObservedContainer): Promise<string> {
    const useLog = exitCode !== 0 && noted[annotations.terminationMessagePolicy] === "FallbackToLogsOnError";
    const log = useLog ? `${this.logFolder}/${name}/${attempt}.log` : undefined;
    return readLastWords(this.#world.files, { message: this.#terminationPath(name, attempt), log });
  }

  /** Writes what containers see as /etc/hosts. */
  async writeHosts(podIPs: readonly string[]): Promise<string> {
    const { files } = this.#world;
    const { spec } = this.#pod;
    const folder = podFolder(this.#options.rootFolder, this.#pod.metadata.uid);
    const text = spec.hostNetwork
      ? nodeHostsText(await files.readText("/etc/hosts").catch(() => ""), spec.hostAliases)
      : hostsText(podIPs, hostnameOf(this.#pod, this.#options), domainOf(this.#pod, this.#options), spec.hostAliases);
    await files.makeFolder(folder, { mode: 0o750 });
    await files.write(`${folder}/etc-hosts`, text, { mode: 0o644 });
    return `${folder}/etc-hosts`;
  }

  #terminationPath(name: string, attempt: number): string {
    return `${podFolder(this.#options.rootFolder, this.#pod.metadata.uid)}/containers/${name}/${attempt}`;
  }

  #logLink(name: string, id: string): string {
    return `${this.#options.containerLogsFolder}/${this.#pod.metadata.name}_${namespaceOf(this.#pod)}_${name}-${id}.log`;
  }
}
