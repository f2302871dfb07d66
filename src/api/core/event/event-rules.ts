// The rules of Events: they live where what they are about lives. Those with an eventTime, the newer form, say more about their reporter.
import { invalid, required, tooLong } from "#schema/derive/field-error.ts";
import { qualifiedNameProblems } from "#schema/derive/formats.ts";
import { utf8Length } from "#schema/derive/metadata-validation.ts";
import type { FieldError } from "#schema/kind.ts";
import type { Event } from "./event.ts";

const instanceLengthMax = 128;
const noteLengthMax = 1024;

export function eventErrors(event: Event, { old }: { readonly old?: Event } = {}): readonly FieldError[] {
  const errors = [...placeErrors(event)];
  if (old === undefined && event.eventTime) errors.push(...reporterErrors(event));
  return errors;
}

function placeErrors({ metadata, involvedObject }: Event): readonly FieldError[] {
  const { namespace = "" } = involvedObject;
  if (namespace === "") {
    const home = metadata.namespace ?? "";
    return home === "" || home === "default" || home === "kube-system"
      ? []
      : [invalid("involvedObject.namespace", namespace, "does not match event.namespace")];
  }
  return namespace === metadata.namespace ? [] : [invalid("involvedObject.namespace", namespace, "does not match event.namespace")];
}

function reporterErrors({ reportingComponent, reportingInstance, action, reason, message, type }: Event): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (reportingComponent === "") errors.push(required("reportingController"));
  else
    errors.push(...qualifiedNameProblems(reportingComponent).map((problem) => invalid("reportingController", reportingComponent, problem)));
  if (reportingInstance === "") errors.push(required("reportingInstance"));
  if (utf8Length(reportingInstance) > instanceLengthMax) {
    errors.push(invalid("reportingInstance", "", `can have at most ${instanceLengthMax} characters`));
  }
  if (!action) errors.push(required("action"));
  if (action && utf8Length(action) > instanceLengthMax)
    errors.push(invalid("action", "", `can have at most ${instanceLengthMax} characters`));
  if (!reason) errors.push(required("reason"));
  if (reason && utf8Length(reason) > instanceLengthMax)
    errors.push(invalid("reason", "", `can have at most ${instanceLengthMax} characters`));
  if (utf8Length(message ?? "") > noteLengthMax) errors.push(tooLong("message", noteLengthMax));
  if (type !== "Normal" && type !== "Warning") errors.push(invalid("type", type ?? "", "has invalid value: " + (type ?? "")));
  return errors;
}
