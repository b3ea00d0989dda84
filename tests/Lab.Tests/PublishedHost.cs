using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The host as a drive of guests.</summary>
internal static class PublishedHost
{
    private static readonly Lazy<Task<Drive>> s_drive = new(MakeAsync);

    /// <summary>In a script: has the host at /program and makes it a command.</summary>
    public const string Mount = """
        mkdir -p /program && mount -t erofs -o ro $(lab-disk program) /program
        printf '#!/bin/sh\nexec dotnet /program/evestorage.dll "$@"\n' > /usr/local/bin/evestorage && chmod 755 /usr/local/bin/evestorage
        """;

    /// <summary>Publishes the host, once for all tests, and gives the drive.</summary>
    public static Task<Drive> DriveAsync() => s_drive.Value;

    private static async Task<Drive> MakeAsync()
    {
        (int code, string image, string error) = await Programs.RunAsync(RepositoryFiles.Path("lab/host-image"), [], 1200);
        code.ShouldBe(0, error);
        return new(image.Trim(), "virtio", "program") { IsReadOnly = true };
    }
}
