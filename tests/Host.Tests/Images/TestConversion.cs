using EveStorage.Cli.Profiles;
using EveStorage.Host.Images;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Host.Worker;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

/// <summary>The conversion of images without an engine, by the profile of one.</summary>
internal static class TestConversion
{
    private static readonly SpareWorker s_none = SpareWorker.Once(isWanted: false);

    /// <summary>Makes one.</summary>
    internal static ImageConversion Of(TestEngine host, SpareWorker? spare = null)
    {
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(host.ProfilePath), problems);
        problems.ThrowIfAny(profile.Name);
        return new(PluginCatalog.Load(profile.Plugins), profile, spare ?? s_none, NullLoggerFactory.Instance, TimeProvider.System, new NoEvents());
    }

    private sealed class NoEvents : IEventSink
    {
        public void Report(StorageEvent storageEvent)
        {
        }
    }
}
