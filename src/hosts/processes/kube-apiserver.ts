// kube-apiserver as a daemon, with the embedded store in its process or an etcd elsewhere.
import type { AggregationOptions } from "#apiserver/start.ts";
import type { ServiceRanges } from "#apiserver/registry/service/ranges.ts";
import { parseTokenFile } from "#apiserver/security.ts";
import { serviceAccountIssuer } from "#apiserver/authentication/service-accounts/issuer.ts";
import { familyOf } from "#base/ip.ts";
import type { Scope } from "#base/scope.ts";
import { type Component, ConfigError } from "#component/component.ts";
import { daemonFlags, daemonValues } from "#component/daemon-flags.ts";
import { type Flag, FlagError, type FlagValues } from "#component/flags.ts";
import { NetworkError, type ServerTls } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { type AssembleOptions, assembleApiServer } from "../api-server.ts";
import { rolesOf } from "../controller-roles.ts";
import { etcdFlags, openStore, showIntegrity } from "../api-server-store.ts";

const flags = [
  ...daemonFlags,
  { name: "advertise-address", type: "string", doc: "Address at which others reach this server; the machine's own when absent." },
  { name: "bind-address", type: "string", default: "0.0.0.0", doc: "Address to serve at." },
  { name: "secure-port", type: "integer", default: 6443, doc: "Port to serve at." },
  { name: "tls-cert-file", type: "string", doc: "Certificate to serve with." },
  { name: "tls-private-key-file", type: "string", doc: "Key that belongs to --tls-cert-file." },
  { name: "client-ca-file", type: "string", doc: "CA bundle that clients' certificates must lead to." },
  {
    name: "service-account-issuer",
    type: "list",
    default: ["https://kubernetes.default.svc.cluster.local"],
    doc: "Who signs service-account tokens; the first signs, the others are still believed.",
  },
  { name: "service-account-signing-key-file", type: "string", doc: "Private key that signs service-account tokens." },
  { name: "service-account-key-file", type: "list", default: [], doc: "Public or private keys that verify service-account tokens." },
  { name: "api-audiences", type: "list", default: [], doc: "Audiences this server answers to; the issuers when empty." },
  {
    name: "service-cluster-ip-range",
    type: "string",
    default: "10.96.0.0/12",
    doc: "Addresses for Services: a range, or one of each family.",
  },
  { name: "service-node-port-range", type: "string", default: "30000-32767", doc: "Ports for Services of type NodePort." },
  { name: "authorization-mode", type: "list", default: ["Node", "RBAC"], doc: "Who decides what users may do." },
  { name: "anonymous-auth", type: "boolean", default: true, doc: "Whether requests without credentials come in as system:anonymous." },
  { name: "enable-admission-plugins", type: "list", default: [], doc: "Admission plugins beside the usual ones." },
  { name: "disable-admission-plugins", type: "list", default: [], doc: "Admission plugins to leave out." },
  { name: "data-dir", type: "string", doc: "Folder of the embedded store." },
  ...etcdFlags,
  { name: "token-auth-file", type: "string", doc: 'CSV file of tokens: token,user,uid,"group1,group2".' },
  { name: "kubelet-client-certificate", type: "string", doc: "Certificate to show to kubelets." },
  { name: "kubelet-client-key", type: "string", doc: "Key that belongs to --kubelet-client-certificate." },
  { name: "kubelet-certificate-authority", type: "string", doc: "CA bundle that kubelets' certificates must lead to." },
  {
    name: "kubelet-preferred-address-types",
    type: "list",
    default: ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"],
    doc: "Which of a Node's addresses to use first.",
  },
  { name: "max-requests-inflight", type: "integer", default: 400, doc: "Reading requests served at one time." },
  { name: "max-mutating-requests-inflight", type: "integer", default: 200, doc: "Writing requests served at one time." },
  { name: "request-timeout", type: "duration", default: 60_000, doc: "How long a request may take that is not a watch." },
  { name: "allow-privileged", type: "boolean", default: true, doc: "", ignored: "privileged Pods are allowed" },
  { name: "enable-bootstrap-token-auth", type: "boolean", default: false, doc: "Whether joining machines may show bootstrap tokens." },
  {
    name: "enable-aggregator-routing",
    type: "boolean",
    default: false,
    doc: "Whether servers behind APIServices are asked by their endpoints instead of the Service's address.",
  },
  { name: "proxy-client-cert-file", type: "string", doc: "Certificate to show to servers behind APIServices." },
  { name: "proxy-client-key-file", type: "string", doc: "Key that belongs to --proxy-client-cert-file." },
  {
    name: "requestheader-client-ca-file",
    type: "string",
    doc: "CA bundle by which servers behind APIServices know this one; told to them in a ConfigMap.",
  },
  { name: "requestheader-allowed-names", type: "list", default: [], doc: "Names of certificates that may speak for users." },
  { name: "requestheader-username-headers", type: "list", default: ["X-Remote-User"], doc: "Headers that name the user." },
  { name: "requestheader-uid-headers", type: "list", default: ["X-Remote-Uid"], doc: "Headers that name the user's uid." },
  { name: "requestheader-group-headers", type: "list", default: ["X-Remote-Group"], doc: "Headers that name the user's groups." },
  {
    name: "requestheader-extra-headers-prefix",
    type: "list",
    default: ["X-Remote-Extra-"],
    doc: "How headers begin that tell more of the user.",
  },
  { name: "runtime-config", type: "list", default: [], doc: "", ignored: "every known version is served" },
  { name: "endpoint-reconciler-type", type: "string", doc: "", ignored: "endpoints are kept by leases" },
] as const satisfies readonly Flag[];

export const component: Component = {
  name: "kube-apiserver",
  doc: "Serves the cluster's API and keeps its state.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("kube-apiserver", flags, arguments_, world.log);
    const unknown = values["authorization-mode"].filter((mode) => mode !== "Node" && mode !== "RBAC");
    if (unknown.length > 0) throw new FlagError(`--authorization-mode: unknown authorization mode "${unknown[0]}", use Node,RBAC`);

    const [{ store, media, transformerOf, integrity, place }, tls, issuer] = await Promise.all([
      openStore(scope, world, values),
      readTls(world, values),
      readIssuer(world, values),
    ]);
    const address = values["advertise-address"] ?? ownAddress(world);
    const port = values["secure-port"];
    const api = await assembleApiServer(scope, world, {
      store,
      issuer,
      ...(values["token-auth-file"] && { tokens: await readTokens(world, values["token-auth-file"]) }),
      bootstrapTokens: values["enable-bootstrap-token-auth"],
      disabledAdmission: values["disable-admission-plugins"],
      controllers: rolesOf((await import("#controllers/all.ts")).allControllers),
      options: {
        anonymous: values["anonymous-auth"],
        services: serviceRanges(values["service-cluster-ip-range"], values["service-node-port-range"]),
        identity: `${world.network.hostname()}/${address}:${port}`,
        limits: { reading: values["max-requests-inflight"], mutating: values["max-mutating-requests-inflight"], waiting: 1_000 },
        requestTimeoutMilliseconds: values["request-timeout"],
        storedMedia: media,
        ...(transformerOf && { transformerOf }),
        ...(address !== undefined && { advertise: { address, port } }),
      },
      kubelets: {
        addressTypes: values["kubelet-preferred-address-types"],
        ...(await optionalFiles(world, {
          certificate: values["kubelet-client-certificate"],
          key: values["kubelet-client-key"],
          ca: values["kubelet-certificate-authority"],
        })),
      },
      aggregation: await readAggregation(world, values),
    });
    if (integrity) showIntegrity(api.metrics, integrity);
    try {
      const listener = await world.network.serve(scope, { host: values["bind-address"], port, tls }, api.handle);
      reloadOnChange(scope, world, [values["tls-cert-file"], values["client-ca-file"]], async () =>
        listener.reload(await readTls(world, values)),
      );
    } catch (error) {
      if (error instanceof NetworkError && error.code === "EADDRINUSE")
        throw new ConfigError(`--secure-port: ${values["bind-address"]}:${port} is taken by another process`);
      throw error;
    }
    world.log.info("serving", { address: `${values["bind-address"]}:${port}`, store: place });
  },
};

type Values = FlagValues<typeof flags>;

function needed(value: string | undefined, name: string): string {
  if (!value) throw new FlagError(`--${name} is needed`);
  return value;
}

async function readFile(world: World, name: string, path: string): Promise<string> {
  try {
    return await world.files.readText(path);
  } catch (error) {
    throw new ConfigError(`--${name}: ${(error as Error).message}`);
  }
}

async function readTokens(world: World, path: string): Promise<AssembleOptions["tokens"]> {
  const text = await readFile(world, "token-auth-file", path);
  try {
    return parseTokenFile(text);
  } catch (error) {
    throw new ConfigError(`--token-auth-file ${path}: ${(error as Error).message}`);
  }
}

async function readTls(world: World, values: Values): Promise<ServerTls> {
  const certificate = await readFile(world, "tls-cert-file", needed(values["tls-cert-file"], "tls-cert-file"));
  const key = await readFile(world, "tls-private-key-file", needed(values["tls-private-key-file"], "tls-private-key-file"));
  const ca = values["client-ca-file"];
  return { certificate, key, ...(ca && { clientCa: await readFile(world, "client-ca-file", ca) }) };
}

async function readIssuer(world: World, values: Values) {
  const privateKey = await readFile(
    world,
    "service-account-signing-key-file",
    needed(values["service-account-signing-key-file"], "service-account-signing-key-file"),
  );
  const otherKeys = await Promise.all(values["service-account-key-file"].map((path) => readFile(world, "service-account-key-file", path)));
  const publicKeys = otherKeys.map((key) => world.crypto.publicKeyOf(key));
  return serviceAccountIssuer(world, {
    issuers: values["service-account-issuer"] as [string, ...string[]],
    ...(values["api-audiences"].length > 0 && { audiences: values["api-audiences"] }),
    signingKey: { privateKey, publicKey: world.crypto.publicKeyOf(privateKey) },
    otherKeys: publicKeys,
  });
}

async function readAggregation(world: World, values: Values): Promise<AggregationOptions> {
  const files = await optionalFiles(world, {
    "proxy-client-cert-file": values["proxy-client-cert-file"],
    "proxy-client-key-file": values["proxy-client-key-file"],
    "requestheader-client-ca-file": values["requestheader-client-ca-file"],
    "client-ca-file": values["client-ca-file"],
  });
  const [proxyCertificate, proxyKey] = [files["proxy-client-cert-file"], files["proxy-client-key-file"]];
  const [clientCa, usersCa] = [files["requestheader-client-ca-file"], files["client-ca-file"]];
  return {
    ...(proxyCertificate && proxyKey && { proxyCertificate, proxyKey }),
    toEndpoints: values["enable-aggregator-routing"],
    requestHeader: {
      ...(clientCa && { clientCa }),
      ...(usersCa && { usersCa }),
      allowedNames: values["requestheader-allowed-names"],
      usernameHeaders: values["requestheader-username-headers"],
      uidHeaders: values["requestheader-uid-headers"],
      groupHeaders: values["requestheader-group-headers"],
      extraHeaderPrefixes: values["requestheader-extra-headers-prefix"],
    },
  };
}

async function optionalFiles<N extends string>(
  world: World,
  paths: Readonly<Record<N, string | undefined>>,
): Promise<{ [K in N]?: string }> {
  const found: { [K in N]?: string } = {};
  for (const [name, path] of Object.entries(paths) as [N, string | undefined][]) if (path) found[name] = await readFile(world, name, path);
  return found;
}

function serviceRanges(clusterIps: string, nodePorts: string): ServiceRanges {
  const match = /^(\d+)-(\d+)$/.exec(nodePorts);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1 || last > 65_535 || first > last)
    throw new FlagError(`--service-node-port-range: ${nodePorts} is not a range of ports, such as 30000-32767`);
  const families = clusterIps.split(",").map(familyOf);
  if (families.length > 2) throw new FlagError("--service-cluster-ip-range must not contain more than two entries");
  if (families.length === 2 && families[0] === families[1])
    throw new FlagError("--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family");
  return { clusterIps, nodePorts: { first, last } };
}

function ownAddress(world: World): string | undefined {
  return world.network.addresses().find(({ family, internal }) => family === 4 && !internal)?.address;
}

/** Renewed certificates are used for new connections without a restart. */
function reloadOnChange(scope: Scope, world: World, paths: readonly (string | undefined)[], reload: () => Promise<void>): void {
  for (const path of paths) {
    if (!path) continue;
    const watch = world.files.watch(path, () => {
      reload().catch((error: unknown) => world.log.error("cannot take new certificates", { error: (error as Error).message }));
    });
    scope.defer(`watch ${path}`, () => watch.close());
  }
}
