import { testDenials } from "./denies.ts";

testDenials("lsm");
