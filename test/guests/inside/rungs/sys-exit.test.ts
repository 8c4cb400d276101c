import { testObserving } from "./observes.ts";

// What every kernel has.
testObserving("sys_exit", { ring: false });
