namespace EveStorage.Tests;

/// <summary>Tests that count what is allocated. The process has one heap, so nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MemoryIsCounted
{
    internal const string Name = "memory is counted";
}
