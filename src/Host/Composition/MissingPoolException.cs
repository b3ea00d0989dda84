namespace EveStorage.Host.Composition;

/// <summary>A pool that has been here and is not found where it was: to take it for one that was never made would make a second, empty one.</summary>
internal sealed class MissingPoolException(PoolName pool, string message, Exception cause) : StorageException(StorageErrorKind.Unavailable, $"{pool}", message, cause);
