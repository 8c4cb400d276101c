import { testObserving } from "./observes.ts";

testObserving("fentry", { ring: true });
