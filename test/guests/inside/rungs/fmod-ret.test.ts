import { testDenials } from "../lsm/denies.ts";

// Where eBPF is not among the security modules that the kernel was booted with.
testDenials("fmod_ret");
