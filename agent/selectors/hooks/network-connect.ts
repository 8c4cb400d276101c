import { address, defineHook, number, own } from "./define.ts";

/** bpf/include/connect.h. */
export const NETWORK_CONNECT = defineHook({
  hook: "network_connect",
  number: 1,
  own: {
    "socket.daddr": address(own(0)),
    "socket.dport": number(own(1), 0xffff),
    "socket.protocol": {
      type: "number",
      operand: own(2),
      most: 255,
      named: (name) => ({ tcp: 6, udp: 17 })[name],
      names: `"tcp", "udp"`,
    },
  },
});
