// The AWS SDK for Java 2 and AWS's caching client against a development server: region, endpoint and keys come from the environment.
import com.amazonaws.secretsmanager.caching.SecretCache;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.*;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;
import software.amazon.awssdk.services.sts.model.StsException;

public final class ClientTest {
  private static final String ROTATOR = "arn:aws:lambda:eu-central-1:123456789012:function:random";
  private static final String MARKED = "because it was marked for deletion.";
  private static final TrustManager[] TRUSTED = trusted(System.getenv("AWS_CA_BUNDLE"));
  private static final SdkHttpClient HTTP = http();
  private static final SecretsManagerClient aws = SecretsManagerClient.builder().httpClient(HTTP).build();
  private static int passed;
  private static int failed;

  private interface Body {
    void run() throws Exception;
  }

  private static void test(String name, Body body) {
    try {
      body.run();
      passed++;
      System.out.println("ok    " + name);
    } catch (Exception | AssertionError wrong) {
      failed++;
      System.out.println("FAIL  " + name + ": " + wrong + " at " + wrong.getStackTrace()[wrong instanceof AssertionError ? 1 : 0]);
    }
  }

  private static void equal(Object wanted, Object got) {
    if (!wanted.equals(got)) throw new AssertionError(got + " instead of " + wanted);
  }

  private static void check(boolean holds) {
    if (!holds) throw new AssertionError("it does not hold");
  }

  /** The call must throw this very type, with a text that has this part. */
  private static void refused(Class<? extends AwsServiceException> type, String text, Body call) throws Exception {
    try {
      call.run();
    } catch (AwsServiceException error) {
      if (error.getClass() != type || !error.getMessage().contains(text)) throw new AssertionError("refused otherwise: " + error);
      if (error.requestId() == null) throw new AssertionError("no request id: " + error);
      return;
    }
    throw new AssertionError("it was not refused");
  }

  /** As refused(), for errors that have no type of their own. */
  private static void refusedAs(String code, Body call) throws Exception {
    try {
      call.run();
    } catch (AwsServiceException error) {
      equal(code, error.awsErrorDetails().errorCode());
      return;
    }
    throw new AssertionError("it was not refused");
  }

  private static TrustManager[] trusted(String file) {
    if (file == null) return null;
    try (InputStream pem = Files.newInputStream(Path.of(file))) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
      TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static SdkHttpClient http() {
    UrlConnectionHttpClient.Builder builder = UrlConnectionHttpClient.builder();
    return (TRUSTED == null ? builder : builder.tlsTrustManagersProvider(() -> TRUSTED)).build();
  }

  /** Writes by Vault's API. */
  private static void vault(String path, String body) throws Exception {
    HttpClient.Builder client = HttpClient.newBuilder();
    if (TRUSTED != null) {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, TRUSTED, null);
      client.sslContext(context);
    }
    HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("VAULT_ADDR") + "/v1/" + path))
        .header("X-Vault-Token", System.getenv("VAULT_TOKEN")).POST(HttpRequest.BodyPublishers.ofString(body)).build();
    HttpResponse<String> reply = client.build().send(request, HttpResponse.BodyHandlers.ofString());
    if (reply.statusCode() / 100 != 2) throw new AssertionError(path + ": " + reply.statusCode() + " " + reply.body());
  }

  private static SecretsManagerClient client(String keyId, String key) {
    return SecretsManagerClient.builder().httpClient(HTTP)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(keyId, key))).build();
  }

  private static String name(String what) {
    return "java/" + what + "-" + UUID.randomUUID();
  }

  private static Tag tag(String key, String value) {
    return Tag.builder().key(key).value(value).build();
  }

  private static ReplicaRegionType region(String name) {
    return ReplicaRegionType.builder().region(name).build();
  }

  private static String create(String what) {
    return aws.createSecret(r -> r.name(name(what)).secretString("first")).name();
  }

  private static String value(String secret) {
    return aws.getSecretValue(r -> r.secretId(secret)).secretString();
  }

  private static DescribeSecretResponse describe(String secret) {
    return aws.describeSecret(r -> r.secretId(secret));
  }

  private static void values() throws Exception {
    String secret = name("value");
    vault("secret/data/" + secret, "{\"data\": {\"password\": \"p\u00e4ss \ud83d\udd11\"}}");
    GetSecretValueResponse got = aws.getSecretValue(r -> r.secretId(secret));
    equal("{\"password\": \"p\u00e4ss \ud83d\udd11\"}", got.secretString());
    equal(List.of("AWSCURRENT"), got.versionStages());
    check(Duration.between(got.createdDate(), Instant.now()).abs().toSeconds() < 60);
    check(got.arn().startsWith("arn:aws:secretsmanager:eu-central-1:000000000000:secret:" + secret + "-"));
    equal(got.secretString(), value(got.arn()));
    aws.putSecretValue(r -> r.secretId(secret).secretString("second"));
    equal("second", value(secret));
    equal(got.secretString(), aws.getSecretValue(r -> r.secretId(secret).versionStage("AWSPREVIOUS")).secretString());
    equal(got.secretString(), aws.getSecretValue(r -> r.secretId(secret).versionId(got.versionId())).secretString());
  }

  private static void bytes() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) all[i] = (byte) i;
    String secret = aws.createSecret(r -> r.name(name("bytes")).secretBinary(SdkBytes.fromByteArray(all))).name();
    GetSecretValueResponse got = aws.getSecretValue(r -> r.secretId(secret));
    equal(SdkBytes.fromByteArray(all), got.secretBinary());
    check(got.secretString() == null);
  }

  private static void errorsOfValues() throws Exception {
    String secret = create("errors");
    String token = UUID.randomUUID().toString();
    refused(ResourceNotFoundException.class, "Secrets Manager can't find the specified secret.", () -> value(name("none")));
    refused(ResourceNotFoundException.class, "", () -> aws.getSecretValue(r -> r.secretId(secret).versionStage("AWSPENDING")));
    refused(ResourceExistsException.class, "", () -> aws.createSecret(r -> r.name(secret).secretString("x")));
    refused(InvalidParameterException.class, "", () -> aws.createSecret(r -> r.name("a b").secretString("x")));
    refused(InvalidParameterException.class, "", () -> aws.putSecretValue(r -> r.secretId(secret).secretString("x".repeat(65537))));
    refused(InvalidParameterException.class, "ClientRequestToken must be 32-64 characters long.",
        () -> aws.putSecretValue(r -> r.secretId(secret).secretString("x").clientRequestToken("short")));
    aws.putSecretValue(r -> r.secretId(secret).secretString("x").clientRequestToken(token));
    aws.putSecretValue(r -> r.secretId(secret).secretString("x").clientRequestToken(token));
    refused(ResourceExistsException.class, "", () -> aws.putSecretValue(r -> r.secretId(secret).secretString("y").clientRequestToken(token)));
  }

  private static void stages() throws Exception {
    String secret = create("stages");
    String token = UUID.randomUUID().toString();
    String old = aws.getSecretValue(r -> r.secretId(secret)).versionId();
    aws.putSecretValue(r -> r.secretId(secret).secretString("pending").clientRequestToken(token).versionStages("AWSPENDING"));
    equal("first", value(secret));
    refused(InvalidParameterException.class, "",
        () -> aws.updateSecretVersionStage(r -> r.secretId(secret).versionStage("AWSCURRENT").moveToVersionId(token)));
    aws.updateSecretVersionStage(r -> r.secretId(secret).versionStage("AWSCURRENT").moveToVersionId(token).removeFromVersionId(old));
    equal("pending", value(secret));
    equal(Map.of(token, List.of("AWSCURRENT", "AWSPENDING"), old, List.of("AWSPREVIOUS")), describe(secret).versionIdsToStages());
    aws.putSecretValue(r -> r.secretId(secret).secretString("third"));
    equal(3L, aws.listSecretVersionIdsPaginator(r -> r.secretId(secret).includeDeprecated(true).maxResults(1)).stream()
        .flatMap(page -> page.versions().stream()).count());
  }

  private static void lists() throws Exception {
    String prefix = name("list");
    Set<String> made = IntStream.range(0, 5).mapToObj(i -> prefix + "/" + i).collect(Collectors.toSet());
    for (String secret : made) aws.createSecret(r -> r.name(secret).secretString("x"));
    Filter mine = Filter.builder().key(FilterNameStringType.NAME).values(prefix).build();
    List<String> found = aws.listSecretsPaginator(r -> r.filters(mine).maxResults(2)).stream()
        .flatMap(page -> page.secretList().stream()).map(SecretListEntry::name).collect(Collectors.toList());
    equal(5, found.size());
    equal(made, Set.copyOf(found));
    Set<String> values = aws.batchGetSecretValuePaginator(r -> r.filters(mine).maxResults(2)).stream()
        .flatMap(page -> page.secretValues().stream()).map(SecretValueEntry::name).collect(Collectors.toSet());
    equal(made, values);
    BatchGetSecretValueResponse batch = aws.batchGetSecretValue(r -> r.secretIdList(prefix + "/0", prefix + "/none"));
    equal("x", batch.secretValues().get(0).secretString());
    equal("ResourceNotFoundException", batch.errors().get(0).errorCode());
    refused(InvalidNextTokenException.class, "", () -> aws.listSecrets(r -> r.nextToken("nonsense")));
    refused(InvalidParameterException.class, "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
        () -> aws.batchGetSecretValue(r -> r.secretIdList(prefix + "/0").filters(mine)));
  }

  private static void attributes() {
    String secret = create("attributes");
    aws.updateSecret(r -> r.secretId(secret).description("for people").kmsKeyId("alias/mine"));
    aws.tagResource(r -> r.secretId(secret).tags(tag("team", "web"), tag("stage", "prod")));
    aws.untagResource(r -> r.secretId(secret).tagKeys("stage"));
    equal(List.of(tag("team", "web")), describe(secret).tags());
    equal("for people", describe(secret).description());
    equal("alias/mine", describe(secret).kmsKeyId());
  }

  private static void life() throws Exception {
    String secret = create("life");
    refused(InvalidParameterException.class, "RecoveryWindowInDays value must be between 7 and 30 days (inclusive)",
        () -> aws.deleteSecret(r -> r.secretId(secret).recoveryWindowInDays(6L)));
    long days = Duration.between(Instant.now(), aws.deleteSecret(r -> r.secretId(secret).recoveryWindowInDays(7L)).deletionDate()).toHours();
    check(days > 6 * 24 && days <= 7 * 24);
    refused(InvalidRequestException.class, MARKED, () -> value(secret));
    refused(InvalidRequestException.class, MARKED, () -> aws.putSecretValue(r -> r.secretId(secret).secretString("x")));
    check(describe(secret).deletedDate() != null);
    aws.restoreSecret(r -> r.secretId(secret));
    equal("first", value(secret));
    aws.deleteSecret(r -> r.secretId(secret).forceDeleteWithoutRecovery(true));
    refused(ResourceNotFoundException.class, "", () -> describe(secret));
  }

  private static void policies() throws Exception {
    String secret = create("policies");
    String open = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\","
        + " \"Action\": \"secretsmanager:GetSecretValue\", \"Resource\": \"*\"}]}";
    refused(PublicPolicyException.class, "", () -> aws.putResourcePolicy(r -> r.secretId(secret).resourcePolicy(open).blockPublicPolicy(true)));
    refused(MalformedPolicyDocumentException.class, "", () -> aws.putResourcePolicy(r -> r.secretId(secret).resourcePolicy("{}")));
    aws.putResourcePolicy(r -> r.secretId(secret).resourcePolicy(open));
    equal(open, aws.getResourcePolicy(r -> r.secretId(secret)).resourcePolicy());
    aws.deleteResourcePolicy(r -> r.secretId(secret));
    check(aws.getResourcePolicy(r -> r.secretId(secret)).resourcePolicy() == null);
    equal(false, aws.validateResourcePolicy(r -> r.resourcePolicy(open)).policyValidationPassed());
  }

  private static void replicas() throws Exception {
    String secret = create("replicas");
    aws.replicateSecretToRegions(r -> r.secretId(secret).addReplicaRegions(region("us-east-2"), region("us-west-2")));
    SecretsManagerClient there = SecretsManagerClient.builder().httpClient(HTTP).region(Region.US_EAST_2).build();
    equal("first", there.getSecretValue(r -> r.secretId(secret)).secretString());
    refused(InvalidRequestException.class, "", () -> there.putSecretValue(r -> r.secretId(secret).secretString("x")));
    refused(InvalidParameterException.class, "Invalid replica region.",
        () -> aws.replicateSecretToRegions(r -> r.secretId(secret).addReplicaRegions(region("atlantis"))));
    there.stopReplicationToReplica(r -> r.secretId(secret));
    equal(List.of(), aws.removeRegionsFromReplication(r -> r.secretId(secret).removeReplicaRegions("us-west-2")).replicationStatus());
  }

  private static void rotation() throws Exception {
    String secret = create("rotation");
    refused(InvalidRequestException.class, "", () -> aws.rotateSecret(r -> r.secretId(secret)));
    String version = aws.rotateSecret(r -> r.secretId(secret).rotationLambdaARN(ROTATOR).rotationRules(u -> u.automaticallyAfterDays(30L)))
        .versionId();
    for (int tries = 0; !List.of("AWSCURRENT").equals(describe(secret).versionIdsToStages().get(version)); tries++) {
      check(tries < 200);
      Thread.sleep(50);
    }
    check(describe(secret).nextRotationDate().isAfter(Instant.now()));
    equal(32, value(secret).length());
    aws.cancelRotateSecret(r -> r.secretId(secret));
    equal(false, describe(secret).rotationEnabled());
    check(aws.getRandomPassword(r -> r.passwordLength(20L).excludePunctuation(true)).randomPassword().matches("[0-9A-Za-z]{20}"));
  }

  private static void credentials() throws Exception {
    refusedAs("InvalidSignatureException", () -> client(System.getenv("AWS_ACCESS_KEY_ID"), "wrong").listSecrets());
    refusedAs("UnrecognizedClientException", () -> client("AKIANOBODYKNOWSTHIS0", "x").listSecrets());
    String denied = name("denied");
    vault("sys/policies/iam/java", "{\"policy\": \"{\\\"Version\\\": \\\"2012-10-17\\\", \\\"Statement\\\": [{\\\"Effect\\\": \\\"Allow\\\","
        + " \\\"Action\\\": \\\"secretsmanager:DescribeSecret\\\", \\\"Resource\\\": \\\"*\\\"}]}\"}");
    vault("auth/access-key/key/AKIAJAVAOFTHETEST001", "{\"policies\": \"java\", \"secret_access_key\": \"not-a-secret-but-long-enough\"}");
    SecretsManagerClient less = client("AKIAJAVAOFTHETEST001", "not-a-secret-but-long-enough");
    refused(ResourceNotFoundException.class, "", () -> less.describeSecret(r -> r.secretId(denied)));
    refusedAs("AccessDeniedException", () -> less.getSecretValue(r -> r.secretId(denied)));
  }

  private static void roles() throws Exception {
    StsClient sts = StsClient.builder().httpClient(HTTP).build();
    String user = "arn:aws:iam::000000000000:user/" + System.getenv("AWS_ACCESS_KEY_ID");
    equal(user, sts.getCallerIdentity().arn());
    vault("auth/access-key/role/java", "{\"policies\": \"dev-access-key\", \"trust_policy\": \"{\\\"Version\\\": \\\"2012-10-17\\\","
        + " \\\"Statement\\\": [{\\\"Effect\\\": \\\"Allow\\\", \\\"Principal\\\": {\\\"AWS\\\": \\\"" + user + "\\\"},"
        + " \\\"Action\\\": \\\"sts:AssumeRole\\\"}]}\"}");
    StsAssumeRoleCredentialsProvider session = StsAssumeRoleCredentialsProvider.builder().stsClient(sts)
        .refreshRequest(r -> r.roleArn("arn:aws:iam::000000000000:role/java").roleSessionName("build")).build();
    String secret = create("roles");
    equal("first", SecretsManagerClient.builder().httpClient(HTTP).credentialsProvider(session).build()
        .getSecretValue(r -> r.secretId(secret)).secretString());
    equal("arn:aws:sts::000000000000:assumed-role/java/build",
        StsClient.builder().httpClient(HTTP).credentialsProvider(session).build().getCallerIdentity().arn());
    refused(StsException.class, "", () -> sts.assumeRole(r -> r.roleArn("arn:aws:iam::000000000000:role/none").roleSessionName("build")));
  }

  private static void caching() {
    String secret = create("cached");
    try (SecretCache cache = new SecretCache(aws)) {
      equal("first", cache.getSecretString(secret));
      aws.putSecretValue(r -> r.secretId(secret).secretString("second"));
      equal("first", cache.getSecretString(secret));
    }
    try (SecretCache cache = new SecretCache(aws)) {
      equal("second", cache.getSecretString(secret));
    }
  }

  public static void main(String[] arguments) {
    test("values by their name, version and label", ClientTest::values);
    test("bytes come back as bytes", ClientTest::bytes);
    test("errors of values have their types", ClientTest::errorsOfValues);
    test("versions and their staging labels", ClientTest::stages);
    test("pages of lists and batches", ClientTest::lists);
    test("description, key and tags", ClientTest::attributes);
    test("deletion and restoring", ClientTest::life);
    test("resource policies", ClientTest::policies);
    test("replica regions", ClientTest::replicas);
    test("rotation and random passwords", ClientTest::rotation);
    test("credentials that may not", ClientTest::credentials);
    test("a role of STS", ClientTest::roles);
    test("the caching client", ClientTest::caching);
    System.out.println(passed + " passed, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }
}
