import { ownAddress, ownNumber, protocol } from "./define.ts";

/** bpf/include/connect.h. */
export const NETWORK_CONNECT = {
  "socket.daddr": ownAddress(0),
  "socket.dport": ownNumber(1, 0xffff),
  "socket.protocol": protocol(2),
};
