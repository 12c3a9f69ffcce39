import { TitleAndCode } from "./TitleAndCode";
import { useTitles } from "./useTitles";

/** Show an agency by its title and code. */
export function AgencyName({ code, below = false }: { code: string; below?: boolean }) {
  return <TitleAndCode title={useTitles().agency(code)} code={code} below={below} />;
}
