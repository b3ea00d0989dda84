namespace EveStorage.Nvmet;

/// <summary>What goes when a volume leaves a subsystem, or hosts do.</summary>
/// <param name="Subsystem">The subsystem; it goes unless it has volumes.</param>
/// <param name="Hosts">The hosts that go unless something allows them.</param>
internal sealed record Leaving(Nqn Subsystem, IReadOnlyList<HostNqn> Hosts);
