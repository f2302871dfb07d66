import assert from "node:assert/strict";
import { test } from "node:test";
import { readCorefile } from "./corefile.ts";
import { upstreamAddress, zoneOf } from "./settings.ts";

const kubeadm = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

test("kubeadm's Corefile", () => {
  const { settings, ignored } = readCorefile(kubeadm, ["192.0.2.53"]);
  assert.deepEqual(settings, {
    domain: "cluster.local",
    seconds: 30,
    answersPods: true,
    lameduckMilliseconds: 5_000,
    hosts: new Map(),
    zones: [{ zone: "", upstreams: ["192.0.2.53"], order: "random", cacheSeconds: 30 }],
  });
  assert.deepEqual(ignored, []);
});

test("stub domains, names by hand, comments, and what has no effect", () => {
  const { settings, ignored } = readCorefile(
    `${kubeadm}consul.local:53 corp.example { # the office
  cache 10
  forward . 10.150.0.1 10.150.0.2:5353 { # in turn
    policy round_robin
  }
  hosts {
    192.0.2.9 printer.example "Scanner.example"
    fallthrough
  }
  rewrite name a b
}`,
    [],
  );
  const stub = { upstreams: ["10.150.0.1", "10.150.0.2:5353"], order: "round_robin", cacheSeconds: 10 };
  assert.deepEqual(settings.zones.slice(1), [
    { zone: "consul.local", ...stub },
    { zone: "corp.example", ...stub },
  ]);
  assert.deepEqual(
    [...settings.hosts],
    [
      ["printer.example", ["192.0.2.9"]],
      ["scanner.example", ["192.0.2.9"]],
    ],
  );
  assert.deepEqual(ignored, ["rewrite name a b"]);
  assert.equal(zoneOf("a.consul.local", settings.zones)?.zone, "consul.local");
  assert.equal(zoneOf("aconsul.local", settings.zones)?.zone, "");
});

test("what a block says without effect is told; excepted names are asked for nowhere", () => {
  const text = `. {
  kubernetes cluster.local {
    endpoint_pod_names
    pods insecure
  }
  forward . 10.150.0.1 {
    except internal.example a.example
    max_concurrent 1000
    tls
  }
  cache 30 {
    success 100
    disable success cluster.local
  }
  hosts /etc/more-hosts
}`;
  const { settings, ignored } = readCorefile(text, []);
  assert.deepEqual(ignored, ["kubernetes: endpoint_pod_names", "forward: tls", "cache: success 100", "hosts /etc/more-hosts"]);
  assert.deepEqual(
    ["www.a.example", "internal.example", "b.example"].map((name) => zoneOf(name, settings.zones)?.upstreams.length),
    [0, 0, 1],
  );
});

test("what cannot be meant is refused", () => {
  const refused = (text: string, error: RegExp) => assert.throws(() => readCorefile(text, []), error);
  refused(".:53 {\n cache\n", /a \{ without its \}/);
  refused(". {\n health {\n lameduck long\n }\n}\n", /lameduck "long" is no duration/);
  refused("}\n", /a \} without its \{/);
  refused("cache 30\n", /a server block has a \{/);
  refused(". {\n forward . tls://9.9.9.9\n}\n", /"tls:\/\/9\.9\.9\.9" is no address of a resolver/);
  refused(". {\n forward . 9.9.9.9 {\n policy best\n }\n}\n", /policy "best"/);
});

test("addresses of resolvers", () => {
  assert.deepEqual(upstreamAddress("10.0.0.1"), { host: "10.0.0.1", port: 53 });
  assert.deepEqual(upstreamAddress("[fd00::1]:5353"), { host: "fd00::1", port: 5353 });
  assert.deepEqual(upstreamAddress("fd00::1"), { host: "fd00::1", port: 53 });
  for (const wrong of ["", "example.org", "10.0.0.1:0", "10.0.0.1:99999"]) assert.equal(upstreamAddress(wrong), undefined, wrong);
});
