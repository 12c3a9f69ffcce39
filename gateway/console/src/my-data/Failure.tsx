import { ApiError } from "../api/problem";
import { useMyDataTexts } from "../texts/myData";

/** Tell whether something failed because nobody is signed in any more. */
export function hasEnded(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** Show why something failed, in the words of the bus. */
export function Failure({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const t = useMyDataTexts();
  const away = error instanceof ApiError && error.status === 0;
  return (
    <div role="alert" className="failure">
      <p>{away ? t("away") : error.message}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {t("retry")}
        </button>
      )}
    </div>
  );
}
