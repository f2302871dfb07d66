// What bootstrap needs of layer 1, whichever it is: systemd, or our supervisor. The command line hands in the one that is there.

export interface ServiceState {
  readonly name: string;
  readonly active: string;
  readonly mainId: number | undefined;
  readonly restarts: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface Services {
  /** "systemd" or "keelson's supervisor". */
  readonly name: string;
  /** Whether units come up by themselves after a reboot. */
  readonly survivesReboot: boolean;
  /** Reads the unit files again, after they changed. */
  reload(): Promise<void>;
  /** Links a unit into what starts at boot. */
  enable(unit: string): Promise<void>;
  disable(unit: string): Promise<void>;
  start(unit: string): Promise<void>;
  stop(unit: string): Promise<void>;
  restart(unit: string): Promise<void>;
  isActive(unit: string): Promise<boolean>;
  state(units: readonly string[]): Promise<readonly ServiceState[]>;
  /** The last lines that a unit wrote. */
  journal(unit: string, lines: number): Promise<readonly string[]>;
  /** Ends what was started for us: our supervisor. Nothing where systemd was there before. */
  leave(): Promise<void>;
}
