// Everything that a node could leave behind on a machine, as lines that can be compared.

/** The links, routes, rules and settings of them. A shell script, for Linux; prints one line for each thing. */
export const networkListing = `
export LC_ALL=C
ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/link \\1/' | sort
ip route show table all | sed 's/^/route /' | sort
{ ip rule; ip -6 rule; } | sed 's/^/rule /' | sort
ip netns list | sed 's/^/namespace /' | sort
nft list ruleset | sed 's/^/rule /'
for setting in net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-ip6tables net/ipv6/conf/all/forwarding net/ipv6/conf/eth0/accept_ra; do
  echo "setting $setting $(cat /proc/sys/$setting 2>/dev/null)"
done
`;

/** Likewise all the rest too. */
export const machineListing = `${networkListing}
ps -eo args= | grep -vE '^(ps|grep|sh|sed|sort|find|\\[)|ps -eo args' | sed 's/^/process /' | sort -u
cut -d' ' -f1-3 /proc/self/mounts | sed 's/^/mount /' | sort
find /sys/fs/cgroup -type d 2>/dev/null | sed 's/^/cgroup /' | sort
find /etc -type f -printf 'file %p %s\\n' | sort
find /etc /opt /root /run /tmp /usr/bin /usr/lib/keelson /usr/local /var/lib /var/log -xdev -not -name '*.pyc' 2>/dev/null | sed 's/^/path /' | sort
find /var/lib/containerd 2>/dev/null | sed 's/^/path /' | sort
`;
