import { flag, number, oneOf, useUrlState } from "../../app/urlState.ts";
import { Checkbox } from "../../kit/Field.tsx";
import { Segmented } from "../../kit/Tabs.tsx";
import type { CurveAxis } from "./curves.ts";

export interface ChartSettings {
  axis: CurveAxis;
  smoothing: number;
  log: boolean;
  band: boolean;
}

/** How all line charts of a page are drawn; in the address, so that the view can be shared. */
export function useChartSettings(): [ChartSettings, (change: Partial<ChartSettings>) => void] {
  const [axis, setAxis] = useUrlState<CurveAxis>("x", oneOf("step", "relative", "time"), "step");
  const [smoothing, setSmoothing] = useUrlState("smooth", number, 0);
  const [log, setLog] = useUrlState("log", flag, false);
  const [band, setBand] = useUrlState("band", flag, true);
  const change = (wanted: Partial<ChartSettings>) => {
    if (wanted.axis !== undefined) setAxis(wanted.axis);
    if (wanted.smoothing !== undefined) setSmoothing(wanted.smoothing);
    if (wanted.log !== undefined) setLog(wanted.log);
    if (wanted.band !== undefined) setBand(wanted.band);
  };
  return [{ axis, smoothing: Math.max(0, Math.min(0.99, smoothing)), log, band }, change];
}

export function ChartSettingsBar(
  { settings, onChange }: { settings: ChartSettings; onChange: (change: Partial<ChartSettings>) => void },
) {
  return (
    <div className="chart-settings">
      <Segmented
        label="Horizontal axis"
        value={settings.axis}
        onChange={(axis) => onChange({ axis })}
        options={[
          { id: "step", label: "Step" },
          { id: "relative", label: "Since start", title: "Time since each run began" },
          { id: "time", label: "Clock", title: "Date and time" },
        ]}
      />
      <label className="row small">
        <span className="muted">Smoothing</span>
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={settings.smoothing}
          aria-valuetext={settings.smoothing.toFixed(2)}
          onChange={(event) => onChange({ smoothing: Number(event.target.value) })}
        />
        <span className="tabular chart-settings-value">{settings.smoothing.toFixed(2)}</span>
      </label>
      <Checkbox checked={settings.log} onChange={(log) => onChange({ log })}>Log scale</Checkbox>
      <Checkbox checked={settings.band} onChange={(band) => onChange({ band })}>Min–max band</Checkbox>
    </div>
  );
}
