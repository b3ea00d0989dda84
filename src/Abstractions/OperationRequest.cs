namespace EveStorage;

/// <summary>
/// What a step knows of the operation it belongs to. It is part of the journaled request, which is on disk before the first
/// step runs, so that the same request can be planned again after a crash and makes the same objects.
/// </summary>
public sealed record OperationRequest
{
    /// <summary>The operation's own id. It stands in the mark and in the temporary name of all that the operation makes.</summary>
    public required Guid Id { get; init; }

    /// <summary>
    /// The ids drawn for what it makes, by name: a volume's, a snapshot's (<c>vm42@before</c>), or <c>pool:</c> and a pool's.
    /// NGUID, UUID and serial number come from them; only paths come from names.
    /// </summary>
    public IReadOnlyDictionary<string, Guid> Ids { get; init; } = new Dictionary<string, Guid>();
}
